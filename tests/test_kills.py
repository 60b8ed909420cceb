"""A publisher that is killed at any moment: what a visitor sees is whole, and the next run completes it."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.model import OutputFile
from meaculpa.project import read_project
from meaculpa.publish import Options, publish
from meaculpa.publish.retract import retract
from meaculpa.publish.rollback import PREVIOUS, rollback
from tests.making import at, incident_text, write_project
from tests.memory import MemoryTarget

NOW = at("2026-11-22 12:00")
AT_ONCE = Options(patience=0, now=NOW, force=True)
_LINK = re.compile(r'(?:href|src)="([^"#?]+)')

Act = Callable[[MemoryTarget], object]


class Killed(BaseException):
    """The process ends here."""


class Mortal(MemoryTarget):
    """Ends the process at a write or a deletion, which is then done or not."""

    def __init__(self, files: Mapping[str, OutputFile], survive: int, lands: bool) -> None:
        super().__init__()
        self.files, self.left, self.lands = dict(files), survive, lands

    def _live(self, does: Callable[[], str]) -> str:
        if self.left == 0 and not self.lands:
            raise Killed
        result = does()
        if self.left == 0:
            raise Killed
        self.left -= 1
        return result

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        return self._live(lambda: super(Mortal, self).write(file, expected))

    def delete(self, path: str) -> None:
        self._live(lambda: super(Mortal, self).delete(path) or "")


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Build]:
    """Two builds: between them a text has changed, an incident has come, one has gone, a picture and a style too."""
    before = write_project(
        tmp_path_factory.mktemp("before") / "shop",
        **{
            "2026-11-22-card": incident_text(),
            "2026-10-01-old": incident_text(title="Old"),
            "2026-11-21-x": incident_text(),
        },
    )
    (before / "assets").mkdir()
    (before / "assets" / "one.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    after = tmp_path_factory.mktemp("after") / "shop"
    shutil.copytree(before, after)
    (after / "incidents" / "2026-11-22-card.md").write_text(incident_text(title="You cannot pay at all"))
    (after / "incidents" / "2026-11-22-new.md").write_text(incident_text(title="New"))
    (after / "incidents" / "2026-11-21-x.md").unlink()
    (after / "assets" / "one.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>')
    (after / "site_templates").mkdir()
    (after / "site_templates" / "refresh.js").write_text("// changed\n")
    return {"before": _build(before), "after": _build(after)}


def _build(project: Path) -> Build:
    memory = Memory()
    try:
        return build(read_project(project), NOW, memory)
    finally:
        memory.pool.close()


def missing(files: Mapping[str, OutputFile]) -> set[str]:
    """What a visitor who begins at the status page is sent to and does not find."""
    found, waiting = set[str](), ["index.html"]
    lost = set[str]()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path not in files:
            lost.add(path)
        elif path.endswith(".html"):
            waiting += list(_links(path, files[path].body.decode()))
    return lost


def _links(path: str, text: str) -> Iterator[str]:
    for link in _LINK.findall(text):
        if not link.startswith(("http", "mailto:", "tel:", "data:", "webcal:", "/")):
            parts: list[str] = []
            for part in (PurePosixPath(path).parent / link).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            yield "/".join(parts)


def same(target: MemoryTarget, files: Mapping[str, OutputFile]) -> bool:
    def content(path: str, body: bytes) -> object:
        if path != "banner.json":
            return body
        return {key: value for key, value in json.loads(body).items() if key not in ("at", "valid_until")}

    return all(
        path in target.files and content(path, target.files[path].body) == content(path, file.body)
        for path, file in files.items()
    )


def started(builds: Mapping[str, Build], *names: str) -> MemoryTarget:
    target = MemoryTarget()
    for name in names:
        publish(builds[name].files, builds[name].known, target, AT_ONCE)
    return target


def operations(act: Act, files: Mapping[str, OutputFile]) -> int:
    target = MemoryTarget()
    target.files = dict(files)
    act(target)
    return len([kind for kind, _ in target.log if kind != "read"])


@pytest.mark.parametrize("lands", [False, True])
@pytest.mark.parametrize(
    ("first", "then", "leads_to"),
    [
        ((), "publish before", "before"),
        (("before",), "publish after", "after"),
        (("before", "after"), "publish after", "after"),
        (("before", "after"), "publish before", "before"),
        (("before", "after"), "rollback", "before"),
        (("before", "after", "after"), "rollback", "before"),
        (("before", "after"), "retract", "after"),
    ],
)
def test_killed_at_any_write_the_site_is_whole_and_the_next_run_completes_it(
    builds: dict[str, Build], first: tuple[str, ...], then: str, leads_to: str, lands: bool
) -> None:
    done = builds[leads_to]
    chosen = read_index(started(builds, "before").files[MANIFEST_PATH].body).build

    def act(target: MemoryTarget) -> object:
        if then == "rollback":
            return rollback(chosen if first else PREVIOUS, target, AT_ONCE)
        if then == "retract":
            return retract(("2026-11-21-x",), done.files, done.known, target, AT_ONCE)
        return publish(done.files, done.known, target, AT_ONCE)

    start = started(builds, *first).files
    every = operations(act, start)
    assert every > 4
    for survive in range(every):
        target = Mortal(start, survive, lands)
        with pytest.raises(Killed):
            act(target)
        if first:
            assert missing(target.files) == set(), survive
            json.loads(target.files["banner.json"].body)
        target.left = 10_000
        act(target)
        assert same(target, done.files), survive
        assert missing(target.files) == set()
        index = read_index(target.files[MANIFEST_PATH].body)
        assert (index.pending, index.created, index.bundles) == ((), (), ())


def test_the_view_of_a_visitor_knows_what_is_missing(builds: dict[str, Build]) -> None:
    files = dict(builds["after"].files)
    assert missing(files) == set()
    del files["incidents/2026-11-22-new.html"]
    assert missing(files) == {"incidents/2026-11-22-new.html"}
