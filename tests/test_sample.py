"""The sample shop: one of every kind, its times moved to now, and this repository's own copy of it."""

import re
from collections import Counter
from datetime import datetime, timedelta

import pytest

from meaculpa.config import Config, parse_config
from meaculpa.content import Content, parse
from meaculpa.lint import inspect
from meaculpa.model import Impact, Kind
from meaculpa.project import read_scaffold
from meaculpa.render.scaffold import sample_shop
from meaculpa.status import Site, derive
from tests.making import a_source, at
from tests.write_sample import FIXED, ROOT, sample_files

MOMENTS = [
    at("2026-11-22 09:36"),
    at("2027-01-01 00:05"),
    at("2027-03-01 23:50"),
    at("2027-03-28 01:10"),
    at("2027-10-31 01:20"),
    at("2028-02-29 12:00"),
]


def shop(now: datetime) -> tuple[dict[str, bytes], Config, Content, Site]:
    files = sample_shop(read_scaffold("sample"), b"", now)
    config = parse_config(files["meaculpa.yml"])
    assert isinstance(config, Config)
    content = parse([a_source(path, body) for path, body in files.items() if path.endswith(".md")], config)
    assert content.problems == ()
    return files, config, content, derive(content.incidents, config, now)


@pytest.mark.parametrize("now", MOMENTS)
def test_the_sample_is_whole_at_any_time(now: datetime) -> None:
    _, config, content, site = shop(now)
    assert inspect(content.incidents, config, now) == []
    assert len(content.incidents) >= 10
    assert {incident.kind for incident in content.incidents} == set(Kind)
    assert Counter(state.incident.impact for state in site.open)[Impact.CRITICAL] == 1
    assert [state.incident.kind for state in site.open] == [Kind.OUTAGE, Kind.ORDERS]
    assert [state.incident.kind for state in site.upcoming] == [Kind.MAINTENANCE]
    assert sum(bool(incident.translations) for incident in content.incidents) == 3
    assert any(incident.prevention for incident in content.incidents)


@pytest.mark.parametrize("now", MOMENTS)
def test_the_outage_began_half_an_hour_ago_and_no_promise_is_broken(now: datetime) -> None:
    _, _, _, site = shop(now)
    assert timedelta(minutes=25) <= now - site.open[0].began <= timedelta(minutes=40)
    assert site.overdue == ()
    assert all(state.next_update for state in site.open)


@pytest.mark.parametrize("now", MOMENTS)
def test_no_text_speaks_of_another_time(now: datetime) -> None:
    files, _, _, _ = shop(now)
    years = {str(year) for year in range(now.year - 1, now.year + 2)}
    for path, body in files.items():
        if path.endswith(".md"):
            assert set(re.findall(r"\b20\d\d\b", body.decode())) <= years, path


def test_every_promise_in_the_sample_was_kept() -> None:
    _, _, content, _ = shop(FIXED)
    for incident in content.incidents:
        for earlier, later in zip(incident.updates, incident.updates[1:], strict=False):
            assert earlier.next_update is None or later.at <= earlier.next_update, (incident.id, earlier.line)


def test_the_repository_holds_the_sample_rendered_for_one_date() -> None:
    expected = sample_files()
    incidents = {path.relative_to(ROOT).as_posix() for path in (ROOT / "incidents").rglob("*.md")}
    assert incidents == {path for path in expected if path.startswith("incidents/")}
    for path, content in expected.items():
        assert (ROOT / path).read_bytes() == content, f"{path}: `make sample` writes it again"


def test_every_kind_has_its_playbook() -> None:
    assert set(read_scaffold("playbooks")) == {f"{kind}.{locale}.md" for kind in Kind for locale in ("en", "de")}
