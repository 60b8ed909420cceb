"""What is open, how each component is, what was promised: derived from files and a moment, nothing else."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.model import ComponentStatus, Impact, Incident, Status
from meaculpa.status import Site, derive
from meaculpa.timeline import IncidentState, state_of
from meaculpa.uptime import Span, daily_record, uptime_of
from tests.making import CONFIG, a_config, an_incident, at

NOW = at("2026-11-22 12:00")
WINDOW = """\
kind: maintenance
starts: 2026-11-22 02:00
ends: 2026-11-22 04:00
components:
  checkout: under_maintenance
"""


def updates(*lines: str) -> str:
    """`09:20 investigating` on 22 November, each with a word of text."""
    return "".join(f"## 2026-11-22 {line}\n\nText.\n\n" for line in lines)


def state(incident: Incident, now: datetime = NOW) -> IncidentState:
    found = state_of(incident, now)
    assert found is not None
    return found


def component_status(incident: Incident, now: datetime, component: str = "checkout") -> ComponentStatus:
    site = derive([incident], a_config(), now)
    return next(one.status for one in site.components if one.component.id == component)


def test_nothing_open_is_operational() -> None:
    site = derive([], a_config(), NOW)
    assert site.overall is Impact.NONE
    assert all(one.status is ComponentStatus.OPERATIONAL for one in site.components)


def test_the_worst_open_impact_makes_the_overall_status() -> None:
    incidents = [an_incident(f"impact: {impact}\n", name=impact) for impact in ("minor", "critical", "major")]
    site = derive(incidents, a_config(), NOW)
    assert site.overall is Impact.CRITICAL
    assert [one.incident.id for one in site.open] == ["critical", "major", "minor"]


def test_an_incident_outranks_maintenance() -> None:
    window = an_incident(WINDOW, updates("01:00 scheduled"), name="window")
    minor = an_incident("impact: minor\n", updates("02:30 investigating"), name="minor")
    assert derive([window], a_config(), at("2026-11-22 03:00")).overall is Impact.MAINTENANCE
    assert derive([window, minor], a_config(), at("2026-11-22 03:00")).overall is Impact.MINOR


def test_a_resolved_incident_leaves_the_open_ones_and_a_later_update_reopens_it() -> None:
    incident = an_incident(
        "components:\n  checkout: major_outage\n",
        updates("09:00 investigating", "10:00 resolved", "11:00 investigating"),
    )
    assert not state(incident, at("2026-11-22 10:30")).is_open
    reopened = state(incident, at("2026-11-22 11:30"))
    assert reopened.is_open
    assert reopened.ended is None
    assert component_status(incident, at("2026-11-22 11:30")) is ComponentStatus.OPERATIONAL


def test_a_postmortem_changes_no_state() -> None:
    closed = state(an_incident(updates=updates("09:00 investigating", "10:00 resolved", "11:00 postmortem")))
    assert (closed.status, closed.ended) == (Status.RESOLVED, at("2026-11-22 10:00"))
    early = an_incident(updates=updates("09:00 investigating", "10:00 postmortem"))
    assert state(early).is_open


def test_a_component_keeps_its_status_until_an_update_changes_it() -> None:
    incident = an_incident(
        "components:\n  checkout: major_outage\n",
        "## 2026-11-22 09:00 investigating\n\nx\n\n"
        "## 2026-11-22 09:30 identified\ncheckout: degraded_performance\n\nx\n\n"
        "## 2026-11-22 10:00 monitoring\n\nx\n\n## 2026-11-22 11:00 resolved\n\nx\n",
    )
    found = [component_status(incident, at(f"2026-11-22 {clock}")) for clock in ("09:10", "09:40", "10:30", "11:00")]
    assert found == [
        ComponentStatus.MAJOR_OUTAGE,
        ComponentStatus.DEGRADED_PERFORMANCE,
        ComponentStatus.DEGRADED_PERFORMANCE,
        ComponentStatus.OPERATIONAL,
    ]


def test_of_two_open_incidents_the_worse_state_of_a_component_counts() -> None:
    one = an_incident("components:\n  checkout: degraded_performance\n", name="one")
    two = an_incident("components:\n  checkout: partial_outage\n", name="two")
    site = derive([one, two], a_config(), NOW)
    assert (
        next(each.status for each in site.components if each.component.id == "checkout")
        is ComponentStatus.PARTIAL_OUTAGE
    )


@pytest.mark.parametrize(
    ("clock", "status", "is_open", "component"),
    [
        ("01:59", Status.SCHEDULED, False, ComponentStatus.OPERATIONAL),
        ("02:00", Status.IN_PROGRESS, True, ComponentStatus.UNDER_MAINTENANCE),
        ("03:59", Status.IN_PROGRESS, True, ComponentStatus.UNDER_MAINTENANCE),
        ("04:00", Status.COMPLETED, False, ComponentStatus.OPERATIONAL),
    ],
)
def test_maintenance_starts_and_ends_by_the_clock(
    clock: str, status: Status, is_open: bool, component: ComponentStatus
) -> None:
    incident = an_incident(WINDOW, updates("00:30 scheduled"))
    now = at(f"2026-11-22 {clock}")
    assert (state(incident, now).status, state(incident, now).is_open) == (status, is_open)
    assert component_status(incident, now) is component


def test_until_somebody_says_completed_the_window_has_only_ended() -> None:
    assert state(an_incident(WINDOW, updates("00:30 scheduled"))).unconfirmed
    assert not state(an_incident(WINDOW, updates("00:30 scheduled", "03:40 completed"))).unconfirmed


def test_maintenance_that_is_completed_early_is_over() -> None:
    done = state(an_incident(WINDOW, updates("00:30 scheduled", "03:00 completed")), at("2026-11-22 03:10"))
    assert (done.status, done.ended) == (Status.COMPLETED, at("2026-11-22 03:00"))


def test_maintenance_that_is_called_off_never_begins() -> None:
    called_off = an_incident(WINDOW, updates("00:30 scheduled", "01:00 completed"))
    assert component_status(called_off, at("2026-11-22 03:00")) is ComponentStatus.OPERATIONAL


def test_maintenance_that_overruns_is_open_until_it_is_completed() -> None:
    overrun = an_incident(WINDOW, updates("00:30 scheduled", "04:10 in_progress", "05:00 completed"))
    assert not state(overrun, at("2026-11-22 04:05")).is_open
    assert state(overrun, at("2026-11-22 04:30")).is_open
    assert state(overrun, at("2026-11-22 05:10")).ended == at("2026-11-22 05:00")


def test_maintenance_that_is_taken_up_again_is_felt_again() -> None:
    again = an_incident(WINDOW, updates("00:30 scheduled", "03:00 completed", "05:00 in_progress"))
    assert component_status(again, at("2026-11-22 04:30")) is ComponentStatus.OPERATIONAL
    assert component_status(again, at("2026-11-22 05:30")) is ComponentStatus.UNDER_MAINTENANCE


def test_maintenance_that_was_called_off_speaks_of_no_time_to_come() -> None:
    now = at("2026-11-21 12:00")
    called_off = state(an_incident(WINDOW, "## 2026-11-20 09:00 scheduled\n\n## 2026-11-21 09:00 completed\n"), now)
    assert max(called_off.changed, called_off.began, called_off.ended or now) <= now


def test_what_is_certain_for_a_time_is_said_until_that_time() -> None:
    incident = an_incident(updates="## 2026-11-22 09:00 identified\nback_at: 2026-11-22 10:00\n\nx\n")
    assert state(incident, at("2026-11-22 09:30")).back_at == at("2026-11-22 10:00")
    assert state(incident, at("2026-11-22 10:00")).back_at is None


def test_what_was_certain_before_it_was_over_is_not_certain_after_it_broke_again() -> None:
    again = an_incident(
        updates="## 2026-11-22 09:00 identified\nback_at: 2026-11-22 14:00\n\nx\n\n"
        + updates("10:00 resolved", "11:00 investigating")
    )
    assert state(again, at("2026-11-22 11:30")).back_at is None


def test_the_newest_count_of_settled_orders_counts() -> None:
    counted = an_incident(
        updates="## 2026-11-22 09:00 resolved\nsettled: 1 of 3\n\nx\n\n"
        "## 2026-11-22 10:00 resolved\nsettled: 2 of 3\n\nx\n"
    )
    found = state(counted).settled
    assert found
    assert found.done == 2


def test_a_pinned_incident_stands_first_and_stays_among_the_recent_ones() -> None:
    closed = updates("09:00 investigating", "10:00 resolved")
    pinned = an_incident("pin: true\n", closed.replace("2026-11-22", "2026-01-05"), name="pinned")
    old = an_incident("", closed.replace("2026-11-22", "2026-01-06"), name="old")
    site = derive([pinned, old], a_config(), NOW)
    assert [one.incident.id for one in site.recent] == ["pinned"]
    loud = an_incident("impact: critical\n", name="loud")
    quiet = an_incident("impact: minor\npin: true\n", name="quiet")
    assert [one.incident.id for one in derive([loud, quiet], a_config(), NOW).open] == ["quiet", "loud"]


@pytest.mark.parametrize(("day", "is_recent"), [("2026-11-09", True), ("2026-11-08", False)])
def test_recent_are_fourteen_days(day: str, is_recent: bool) -> None:
    incident = an_incident("", updates("09:00 investigating", "10:00 resolved").replace("2026-11-22", day))
    assert bool(derive([incident], a_config(), NOW).recent) is is_recent


def test_a_component_has_a_record_from_its_own_first_day() -> None:
    config = a_config(CONFIG.replace(b"name: Card payments", b"name: Card payments, since: 2026-11-20"))
    site = derive([], config, NOW)
    payments = next(one for one in site.components if one.component.id == "payments")
    assert [day.status for day in payments.days[-4:]] == [None, *[ComponentStatus.OPERATIONAL] * 3]
    others = next(one for one in site.components if one.component.id == "checkout")
    assert others.days[-1].status is None, "never green without a record"


def test_an_update_of_the_future_is_not_there_yet() -> None:
    incident = an_incident(updates=updates("09:00 investigating", "13:00 resolved"))
    assert state(incident).is_open
    assert len(state(incident).updates) == 1
    assert state_of(incident, at("2026-11-22 08:00")) is None


def test_a_draft_is_nowhere() -> None:
    assert derive([an_incident("draft: true\n")], a_config(), NOW).every == ()


def test_a_promise_is_broken_when_its_moment_has_come() -> None:
    incident = an_incident(updates="## 2026-11-22 09:00 investigating\nnext_update: 2026-11-22 10:00\n\nx\n")
    assert not state(incident, at("2026-11-22 09:59")).overdue
    assert state(incident, at("2026-11-22 10:00")).overdue
    kept = an_incident(
        updates="## 2026-11-22 09:00 investigating\nnext_update: 2026-11-22 10:00\n\nx\n\n"
        "## 2026-11-22 09:55 resolved\n\nx\n"
    )
    assert not state(kept, at("2026-11-22 11:00")).overdue


def test_the_next_change_is_the_next_moment_at_which_anything_looks_different() -> None:
    incident = an_incident(WINDOW, updates("00:30 scheduled"))
    for clock, following in (("00:10", "00:30"), ("01:00", "02:00"), ("02:00", "04:00"), ("04:00", "24:00")):
        site = derive([incident], a_config(), at(f"2026-11-22 {clock}"))
        expected = at("2026-11-23 00:00") if following == "24:00" else at(f"2026-11-22 {following}")
        assert site.next_change == expected


# ---- Uptime


def span(status: ComponentStatus, start: str, end: str | None) -> Span:
    return Span("checkout", status, at(start), at(end) if end else None)


def test_uptime_counts_complete_days_only() -> None:
    spans = [
        span(ComponentStatus.MAJOR_OUTAGE, "2026-11-21 00:00", "2026-11-21 12:00"),
        span(ComponentStatus.MAJOR_OUTAGE, "2026-11-22 08:00", None),
    ]
    days = daily_record(spans, at("2026-11-19 00:00"), NOW)
    assert uptime_of(days) == pytest.approx(1 - 0.5 / 3)
    assert days[-1].status is ComponentStatus.MAJOR_OUTAGE


def test_what_ends_with_a_day_does_not_touch_the_next() -> None:
    down, well = ComponentStatus.MAJOR_OUTAGE, ComponentStatus.OPERATIONAL
    spans = [
        span(down, "2026-11-19 20:00", "2026-11-20 00:00"),
        span(down, "2026-11-21 20:00", "2026-11-22 00:00"),
    ]
    days = daily_record(spans, at("2026-11-01 00:00"), NOW)
    assert [day.status for day in days[-4:]] == [down, well, down, well]


@pytest.mark.parametrize(
    ("status", "lost"),
    [
        (ComponentStatus.DEGRADED_PERFORMANCE, 0),
        (ComponentStatus.UNDER_MAINTENANCE, 0),
        (ComponentStatus.PARTIAL_OUTAGE, 3),
        (ComponentStatus.MAJOR_OUTAGE, 6),
    ],
)
def test_each_state_loses_its_share_of_the_time(status: ComponentStatus, lost: int) -> None:
    days = daily_record([span(status, "2026-11-21 06:00", "2026-11-21 12:00")], at("2026-11-01 00:00"), NOW)
    assert days[-2].lost == timedelta(hours=lost)


def test_overlapping_incidents_count_the_worst() -> None:
    spans = [
        span(ComponentStatus.MAJOR_OUTAGE, "2026-11-21 06:00", "2026-11-21 08:00"),
        span(ComponentStatus.PARTIAL_OUTAGE, "2026-11-21 05:00", "2026-11-21 09:00"),
        span(ComponentStatus.MAJOR_OUTAGE, "2026-11-21 07:00", "2026-11-21 08:00"),
    ]
    assert daily_record(spans, at("2026-11-01 00:00"), NOW)[-2].lost == timedelta(hours=3)


def test_a_night_is_split_at_midnight() -> None:
    days = daily_record(
        [span(ComponentStatus.MAJOR_OUTAGE, "2026-11-20 23:00", "2026-11-21 02:00")], at("2026-11-01 00:00"), NOW
    )
    assert [day.lost for day in days[-3:-1]] == [timedelta(hours=1), timedelta(hours=2)]


def test_what_began_before_the_record_counts_from_its_first_day() -> None:
    ended = [span(ComponentStatus.MAJOR_OUTAGE, "2026-07-01 00:00", "2026-08-26 00:00")]
    open_since = [span(ComponentStatus.MAJOR_OUTAGE, "2026-01-01 00:00", None)]
    begin = at("2026-01-01 00:00")
    lost = [day.lost for day in daily_record(ended, begin, NOW)]
    assert lost == [timedelta(days=1)] + [timedelta()] * 89
    assert {day.status for day in daily_record(open_since, begin, NOW)} == {ComponentStatus.MAJOR_OUTAGE}


def test_days_before_the_first_incident_have_no_data() -> None:
    days = daily_record([], at("2026-11-20 15:00"), NOW)
    assert [day.status for day in days[-4:]] == [None, *[ComponentStatus.OPERATIONAL] * 3]
    assert len(days) == 90
    assert uptime_of(daily_record([], None, NOW)) is None


# ---- Properties

_STATUSES = ("investigating", "identified", "monitoring", "resolved")
_moments = st.integers(min_value=0, max_value=14 * 24 * 60 - 1)
_histories = st.lists(
    st.tuples(_moments, st.sampled_from(_STATUSES), st.sampled_from(["", *map(str, ComponentStatus)])),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
)
BEGIN = at("2026-11-08 00:00")


def incident_of(history: list[tuple[int, str, str]], name: str = "x", impact: str = "major") -> Incident:
    blocks = []
    for minutes, status, component in history:
        fact = f"checkout: {component}\n" if component and status != "resolved" else ""
        blocks.append(
            f"## {BEGIN + timedelta(minutes=minutes):%Y-%m-%d %H:%M} UTC {status}\n{fact}\nText {minutes}.\n\n"
        )
    return an_incident(f"impact: {impact}\ncomponents:\n  checkout: major_outage\n", "".join(blocks), name)


@given(_histories, st.randoms())
def test_the_order_of_updates_in_the_file_changes_nothing(
    history: list[tuple[int, str, str]], random: Random
) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    one, two = state_of(incident_of(history), NOW), state_of(incident_of(shuffled), NOW)
    assert one and two
    assert (one.status, one.spans, one.ended, one.began) == (two.status, two.spans, two.ended, two.began)


@given(st.lists(_histories, max_size=4), _moments)
def test_the_parts_of_a_site_fit_together(histories: list[list[tuple[int, str, str]]], minutes: int) -> None:
    now = BEGIN + timedelta(minutes=minutes)
    site = derive([incident_of(one, f"x{number}") for number, one in enumerate(histories)], a_config(), now)
    assert len({one.incident.id for one in site.every}) == len(site.every)
    assert (site.overall is Impact.NONE) == (not site.open)
    for component in site.components:
        touched = [one.components.get(component.component.id) for one in site.open]
        assert (component.status is ComponentStatus.OPERATIONAL) == (not any(touched))
        assert len(component.days) == 90
        assert component.uptime is None or 0 <= component.uptime <= 1
        assert all(timedelta() <= day.lost <= timedelta(days=1) for day in component.days)
    assert now < site.next_change <= now + timedelta(days=1)


@given(st.lists(_histories, max_size=3), _moments)
def test_nothing_changes_by_itself_before_the_next_change(
    histories: list[list[tuple[int, str, str]]], minutes: int
) -> None:
    incidents = [incident_of(one, f"x{number}") for number, one in enumerate(histories)]
    now = BEGIN + timedelta(minutes=minutes)
    site = derive(incidents, a_config(), now)
    later = derive(incidents, a_config(), site.next_change - timedelta(minutes=1))

    def shown(site: Site) -> object:
        """Today's lost time grows, but is not shown."""
        states = [(state.incident.id, state.status, len(state.updates), state.overdue) for state in site.every]
        components = [(each.status, each.uptime, [day.status for day in each.days]) for each in site.components]
        return states, components

    assert shown(site) == shown(later)


@given(st.lists(_histories, max_size=3), _moments, _moments)
def test_taking_over_what_still_holds_changes_nothing(
    histories: list[list[tuple[int, str, str]]], first: int, second: int
) -> None:
    incidents = [incident_of(one, f"x{number}") for number, one in enumerate(histories)]
    before, now = (BEGIN + timedelta(minutes=minutes) for minutes in sorted((first, second)))
    earlier = {state.incident.digest: state for state in derive(incidents, a_config(), before).every}
    assert derive(incidents, a_config(), now, earlier) == derive(incidents, a_config(), now)


@given(_histories)
def test_time_lost_never_exceeds_the_time_that_passed(history: list[tuple[int, str, str]]) -> None:
    found = state_of(incident_of(history), NOW)
    assert found
    assert all(one.end is None or one.start < one.end for one in found.spans)
    assert all(one.start <= NOW.astimezone(UTC) for one in found.spans)
