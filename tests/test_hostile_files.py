"""A file may be whatever it likes: it is read or refused, at a price that is bounded."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from meaculpa.build.composition import build
from meaculpa.build.markup_pool import MarkupPool, TooSlow
from meaculpa.build.memory import Memory
from meaculpa.content import parse
from meaculpa.lint import inspect
from meaculpa.model import Markup
from meaculpa.project import read_project
from tests.hostile import FILES
from tests.making import a_config, a_source, at, incident_text, write_project

NOW = at("2026-11-22 12:00")
# Of this process's own time, whatever else the machine does.
_CPU_SECONDS = 2.0


@pytest.fixture
def budget() -> Iterator[None]:
    def over(*_: object) -> None:
        raise AssertionError(f"more than {_CPU_SECONDS} s of processor time")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, _CPU_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_read_or_refused_within_its_budget(name: str, budget: None) -> None:
    content = parse([a_source("incidents/bad.md", FILES[name])], a_config())
    inspect(content.incidents, a_config(), NOW)
    assert content.incidents or content.problems


def test_beside_all_of_them_a_good_one_is_published(tmp_path: Path) -> None:
    texts = {f"bad-{number}": text for number, text in enumerate(FILES.values())}
    memory = Memory()
    try:
        done = build(
            read_project(write_project(tmp_path, good=incident_text(), **texts)), NOW, memory, keep_going=True
        )
    finally:
        memory.pool.close()
    assert "incidents/good.html" in done.files
    assert done.left_out
    assert all(problem.line or problem.hint for problem in done.problems)


def test_many_slow_texts_in_one_file_have_one_budget_together() -> None:
    files = [[f"{number} " + "[a](" * 3_200 for number in range(5)], ["innocent"]]
    pool = MarkupPool(budget_seconds=1.0)
    try:
        coming = pool.begin(files)
        answers = [coming[text].wait() for text in (*files[0], *files[1])]
    finally:
        pool.close()
    assert len({id(answer) for answer in answers[:5]}) == 1, "refused together"
    assert isinstance(answers[0], TooSlow)
    assert isinstance(answers[5], Markup)
