"""Values over time: read from what monitors write, drawn small, said in words; never in the way of an incident."""

import re
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.config import Chart
from meaculpa.metrics import LARGEST_METRICS, Metric, Point, parse_metric
from meaculpa.project import read_project
from meaculpa.render.charts import BINS, HEIGHT, charts_of, view_chart, window_of
from meaculpa.render.words import Words, read_words
from tests.live import eventually, running
from tests.making import CONFIG, at, incident_text, write_project

LONDON = ZoneInfo("Europe/London")
NOW = at("2026-11-22 12:00")
LOCALES = Path(__file__).parents[1] / "site_templates" / "locales"


def read(text: str | bytes, path: str = "metrics/response-time.csv") -> tuple[Metric | None, list[str]]:
    content = text.encode() if isinstance(text, str) else text
    metric, problems = parse_metric(path, content, "digest", LONDON)
    assert all(str(problem.severity) == "warning" for problem in problems)
    return metric, [str(problem) for problem in problems]


def points(text: str | bytes) -> list[tuple[str, float]]:
    metric, problems = read(text)
    assert problems == []
    assert metric
    return [(f"{point.at:%Y-%m-%d %H:%M:%S}", point.value) for point in metric.points]


def words(code: str) -> Words:
    texts = {path.stem: path.read_bytes() for path in LOCALES.glob("*.yml")}
    found = read_words(texts, (code,), texts["en"])
    assert isinstance(found, tuple)
    return found[0]


# ---- Reading


@pytest.mark.parametrize(
    ("row", "time", "value"),
    [
        ("2026-11-22T09:20Z,318", "2026-11-22 09:20:00", 318),
        ("2026-11-22T09:20:30+01:00,3.5", "2026-11-22 08:20:30", 3.5),
        ("2026-11-22 09:20 UTC,-4", "2026-11-22 09:20:00", -4),
        ("2026-07-22 09:20,1e3", "2026-07-22 08:20:00", 1000),
        ("2026-07-22 09:20 Europe/Berlin , .5", "2026-07-22 07:20:00", 0.5),
        ("1795339200,7", "2026-11-22 09:20:00", 7),
        ("1795339200.25,+7", "2026-11-22 09:20:00", 7),
        ('"2026-11-22T09:20Z", "318"', "2026-11-22 09:20:00", 318),
    ],
)
def test_times_and_numbers_are_read_as_monitors_write_them(row: str, time: str, value: float) -> None:
    assert points(f"time,ms\n{row}\n") == [(time, value)]
    assert points(f"\ufeff{row}\r\n") == [(time, value)], "without names of columns, from Windows"


def test_points_come_in_order_and_gaps_are_no_points() -> None:
    text = "2026-11-22T09:30Z,3\n2026-11-22T09:20Z,2\n\n2026-11-22T09:25Z,\n2026-11-22T09:26Z,NaN\n"
    assert [value for _, value in points(text)] == [2, 3]


def test_spreadsheets_write_semicolons_and_commas() -> None:
    assert points("Time;ms\n2026-11-22T09:20Z;3,5\n2026-11-22T09:21Z;4\n") == [
        ("2026-11-22 09:20:00", 3.5),
        ("2026-11-22 09:21:00", 4),
    ]
    assert points("Time\tms\n2026-11-22T09:20Z\t3,5\n") == [("2026-11-22 09:20:00", 3.5)]


def test_a_row_that_is_being_written_is_waited_for() -> None:
    assert [value for _, value in points("2026-11-22T09:20Z,2\n2026-11-22T09:21Z,3")] == [2]
    assert points("") == points("time,value") == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("yesterday,3", '"yesterday" is not a time'),
        ("2026-11-22T09:20Z,fast", '"fast" is not a number'),
        ("2026-11-22T09:20Z,1_000", '"1_000" is not a number'),
        ("2026-11-22T09:20Z,inf", '"inf" is not a number'),
        ("2026-11-22T09:20Z,1e99", '"1e99" is not a number'),
        ("2026-11-22T09:20Z,1,5", "3 cells in a row"),
        ("1795339200123,3", "divide milliseconds by 1000"),
        ("x" * 200_000, "a row of 200,000 characters"),
        ("2026-11-22T09:20Z," + "1" * 200_000, "a row of 200,018 characters"),
        ("2026-11-22T09:20Z,1\0", "is not a number"),
        ("99999999999,3", "are not seconds since 1970"),
        ("2026-03-29 01:30,3", "did not happen in Europe/London"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_and_the_others_count(row: str, told: str) -> None:
    metric, problems = read(f"time,ms\n2026-11-22T09:19Z,1\n{row}\n2026-11-22T09:21Z,2\n")
    assert metric
    assert [point.value for point in metric.points] == [1, 2]
    assert len(problems) == 1
    assert problems[0].startswith("metrics/response-time.csv:3: ")
    assert told in problems[0]
    assert "the row is left out" in problems[0]


def test_many_wrong_rows_are_one_line() -> None:
    _, problems = read("time,ms\n" + "x,1\n" * 900)
    assert len(problems) == 1
    assert "metrics/response-time.csv:2: " in problems[0]
    assert "900 rows are left out" in problems[0]


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("metrics/Response Time.csv", b"", "this name cannot stand in a web address"),
        ("metrics/a.csv", b"\xff\xfe\x00", "not UTF-8 text"),
        ("metrics/a.csv", b"x" * (LARGEST_METRICS + 1), "larger than 4 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(path: str, content: bytes, told: str) -> None:
    metric, problems = read(content, path)
    assert metric is None
    assert told in problems[0]


@given(
    st.binary(max_size=300) | st.text(alphabet='0123456789-:T,Z.\n\r" eE+\x00\u2028', max_size=120).map(str.encode)
)
def test_no_content_is_more_than_a_warning(content: bytes) -> None:
    read(content)


# ---- Drawing


def metric(*values: tuple[int, float], gaps: tuple[int, ...] = ()) -> Metric:
    """Values, and times without one, by minutes before now."""
    made = [Point(NOW - timedelta(minutes=minutes), value) for minutes, value in values]
    missing = tuple(sorted(NOW - timedelta(minutes=minutes) for minutes in gaps))
    return Metric("response-time", "digest", tuple(sorted(made, key=lambda one: one.at)), missing)


def test_a_chart_says_what_it_shows() -> None:
    chart = Chart(id="response-time", name="Response time", unit="ms")
    view = view_chart(metric((60, 180), (30, 2400), (0, 318)), chart, NOW, words("en"))
    assert view
    assert view.latest == ("", "318\u00a0ms", " on 22 Nov, 12:00 UTC")
    assert view.sentence == (
        "Response time, from 21 Nov, 12:15 UTC to 22 Nov, 12:15 UTC. Lowest 180\u00a0ms, highest 2,400\u00a0ms; "
        "most recently 318\u00a0ms on 22 Nov, 12:00 UTC."
    )


@pytest.mark.parametrize("code", sorted(path.stem for path in LOCALES.glob("*.yml")))
def test_every_language_says_it(code: str) -> None:
    view = view_chart(metric((60, 1234.5), (0, 0.256)), Chart(id="orders"), NOW, words(code))
    assert view
    assert view.latest[1].strip("\u2066\u2069") in ("0.256", "0,256", "0٫256")
    assert "Orders" in view.sentence
    assert "{" not in view.sentence


def test_a_unit_stands_behind_its_number_from_right_to_left() -> None:
    view = view_chart(metric((0, 318)), Chart(id="a", unit="ms"), NOW, words("he"))
    assert view
    assert view.latest[1] == "\u2066318\u00a0ms\u2069"
    below = view_chart(metric((0, -2.1)), Chart(id="a"), NOW, words("he"))
    assert below
    assert below.latest[1] == "\u2066-2.1\u2069"


def test_what_is_older_or_lies_ahead_is_not_shown() -> None:
    chart = Chart(id="orders", hours=2)
    view = view_chart(metric((121, 900), (60, 5), (-1, 900)), chart, NOW, words("en"))
    assert view
    assert view.extremes == "Lowest 5, highest 5"
    assert view_chart(metric((121, 900), (-1, 900)), chart, NOW, words("en")) is None


def test_the_line_stays_in_its_frame_and_breaks_where_values_are_missing() -> None:
    steady = [(minutes, 100 + minutes % 7 * 10) for minutes in range(0, 1440, 5) if not 300 < minutes < 420]
    view = view_chart(metric(*steady), Chart(id="orders"), NOW, words("en"))
    assert view
    assert view.line.count("M") == view.area.count("z") == 2
    spots = [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) (\d+)", view.line)]
    assert all(0 <= x < BINS and 0 <= y <= HEIGHT for x, y in spots)
    assert [x for x, _ in spots] == sorted(x for x, _ in spots)


def test_rare_values_are_joined_and_one_alone_is_seen() -> None:
    hourly = view_chart(metric(*((minutes, 5) for minutes in range(0, 1440, 60))), Chart(id="a"), NOW, words("en"))
    assert hourly
    assert hourly.line.count("M") == 1
    alone = view_chart(metric((5, 5)), Chart(id="a"), NOW, words("en"))
    assert alone
    assert alone.line == "M94 0h1", "within the frame"


def test_the_line_breaks_where_it_is_said_that_there_was_no_value() -> None:
    rows = [minutes for minutes in range(0, 1440, 5) if not 300 < minutes < 345]
    missing = tuple(range(305, 345, 5))
    values = [(minutes, 5.0) for minutes in rows]
    silent = view_chart(metric(*values), Chart(id="a"), NOW, words("en"))
    told = view_chart(metric(*values, gaps=missing), Chart(id="a"), NOW, words("en"))
    assert silent
    assert told
    assert (silent.line.count("M"), told.line.count("M")) == (1, 2)


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (0, "0", "0"),
        (318, "318", "318"),
        (2212.4, "2,212", "2.212"),
        (24.04, "24", "24"),
        (2.414, "2.41", "2,41"),
        (0.0000012, "0.0000012", "0,0000012"),
        (-2.1, "-2.1", "-2,1"),
        (1_502_000_000_000, "1.5T", "1,5\u00a0Bio."),
        (3_000_000, "3M", "3\u00a0Mio."),
    ],
)
def test_much_and_little_is_said_in_three_digits(value: float, english: str, german: str) -> None:
    for code, said in (("en", english), ("de", german)):
        view = view_chart(metric((0, value)), Chart(id="a"), NOW, words(code))
        assert view
        assert view.latest[1] == said


@given(st.lists(st.tuples(st.integers(0, 3000), st.floats(-1e15, 1e15)), min_size=1, max_size=60))
def test_any_values_can_be_drawn(values: list[tuple[int, float]]) -> None:
    view = view_chart(metric(*values), Chart(id="a"), NOW, words("en"))
    if view:
        assert all(0 <= int(y) <= HEIGHT for y in re.findall(r"[ML]\d+ (-?\d+)", view.line))
        assert "nan" not in view.line + view.area


def test_a_page_stays_the_same_within_a_part_of_the_time_that_is_shown() -> None:
    chart = Chart(id="a")
    assert window_of(chart, NOW) == window_of(chart, NOW + timedelta(minutes=14))
    assert window_of(chart, NOW) != window_of(chart, NOW + timedelta(minutes=15))
    assert all(window_of(Chart(id="a", hours=hours), NOW).ends > NOW for hours in (1, 24, 744))


def test_charts_stand_in_the_order_of_the_configuration() -> None:
    metrics = [Metric(name, "", ()) for name in ("a-rest", "z-first", "b-rest")]
    shown = charts_of(metrics, [Chart(id="z-first", name="First"), Chart(id="missing")])
    assert [(one.id, chart.title) for one, chart in shown] == [
        ("z-first", "First"),
        ("a-rest", "A rest"),
        ("b-rest", "B rest"),
    ]


# ---- On the page

SETTINGS = CONFIG + b"metrics:\n  - {id: response-time, name: 'Response <b>time</b>', unit: ms}\n  - {id: none-yet}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    (project / "metrics").mkdir()
    (project / "metrics" / "response-time.csv").write_text("time,ms\n2026-11-22T11:00Z,318\n2026-11-22T11:30Z,418\n")
    (project / "meaculpa.yml").write_bytes(SETTINGS)
    return project


def test_the_status_page_shows_them_in_every_language(project: Path, memory: Memory) -> None:
    done = build(read_project(project), NOW, memory)
    for path in ("index.html", "de/index.html"):
        page = done.files[path].body.decode()
        assert "Response &lt;b&gt;time&lt;/b&gt;" in page
        assert 'id="m-response-time"' in page
    assert "418\u00a0ms" in done.files["index.html"].body.decode()
    assert ".chart{" not in done.files["history.html"].body.decode()
    told = [str(problem) for problem in done.problems if "metrics" in str(problem)]
    assert told == [
        "meaculpa.yml:12: there is no metrics/none-yet.csv (its chart is shown as soon as the file is there)"
    ]


def test_a_monitor_that_writes_no_more_is_told_of(project: Path, memory: Memory) -> None:
    done = build(read_project(project), NOW + timedelta(days=2), memory)
    told = [str(problem) for problem in done.problems if problem.path.startswith("metrics/")]
    assert told == [
        "metrics/response-time.csv: no value in the last 24 h, so there is no chart (does what writes it still run?)"
    ]


def test_new_values_make_the_status_pages_again_and_nothing_else(project: Path, memory: Memory) -> None:
    files = read_project(project)
    before = build(files, NOW, memory).files
    with (project / "metrics" / "response-time.csv").open("a") as stream:
        stream.write("2026-11-22T11:45Z,518\n")
    after = build(read_project(project, files), NOW, memory).files
    assert {path for path in after if after[path].digest != before[path].digest} == {"index.html", "de/index.html"}


def test_nothing_in_them_keeps_an_incident_from_going_out(project: Path, memory: Memory) -> None:
    (project / "metrics" / "response-time.csv").write_bytes(b"\xff\n")
    (project / "metrics" / "big.csv").write_bytes(b"x" * (LARGEST_METRICS + 1))
    (project / "metrics" / "notes.txt").write_text("not a metric")
    (project / "metrics" / "way-out.csv").symlink_to("/dev/zero")
    done = build(read_project(project), NOW, memory, keep_going=True)
    assert "You cannot pay by card" in done.files["index.html"].body.decode()
    assert "figure" not in done.files["index.html"].body.decode()


def test_a_watcher_follows_them(project: Path) -> None:
    with running(project, "watch") as command:
        page = project / "public" / "index.html"
        eventually(page.is_file, "the first page")
        (project / "metrics" / "fresh.csv").write_text(f"{time.time() - 5:.0f},77\n")
        eventually(lambda: 'id="m-fresh"' in page.read_text(), "the new chart")
        assert command.stop() == 0


@pytest.mark.parametrize(("width", "scheme", "path"), [(1366, "light", "index.html"), (390, "dark", "de/index.html")])
def test_everybody_can_read_them(
    project: Path, tmp_path: Path, memory: Memory, browser: Browser, width: int, scheme: str, path: str
) -> None:
    done = build(read_project(project), NOW, memory)
    file = tmp_path / "page.html"
    file.write_bytes(done.files[path].body)
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.goto(file.as_uri())
    drawing = page.get_by_role("img", name="Response <b>time</b>")
    box = drawing.bounding_box()
    assert box
    assert box["height"] > 40
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    page.close()
