"""Broken files -> what they said when they were good."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from meaculpa.build.last_good import copies, recall
from meaculpa.config import Config
from meaculpa.content import order, parse
from meaculpa.content.files import id_in
from meaculpa.errors import Problem
from meaculpa.model import Incident


def without_refused(incidents: Iterable[Incident], refused: Iterable[Problem]) -> dict[str, Incident]:
    """The incidents by their ids, without those whose texts are refused."""
    paths = {problem.path for problem in refused}
    return {one.id: one for one in incidents if not paths & {one.path, *_translation_paths(one)}}


def last_good(
    root: Path,
    wrong: Collection[str],
    config: Config,
    before: Mapping[str, Incident],
    copied: Collection[str],
) -> Mapping[str, Incident]:
    """What incidents said before something went wrong, by id: `before` in this process, else as it was copied.

    `wrong` are paths with errors, `copied` those of which there are known to be copies.
    """
    ids = {id_in(path) for path in wrong if path.endswith(".md")}
    folders = [path for path in wrong if path.startswith("incidents") and not path.endswith(".md")]
    if before.keys() >= ids and not folders:
        return before
    wanted = [path for path in copied or copies(root) if id_in(path) in ids or _is_below(path, folders)]
    found = parse(recall(root, wanted).values(), config).incidents
    return {**{incident.id: incident for incident in found}, **before}


def as_they_were(
    good: Mapping[str, Incident], before: Mapping[str, Incident], wrong: Collection[str]
) -> tuple[tuple[Incident, ...], tuple[str, ...]]:
    """All incidents with broken ones as they last were, and the broken files of which no good version is known."""
    kept = {key: one for key, one in before.items() if key not in good and _is_touched(one, wrong)}
    shown = {**good, **kept}
    left_out = sorted(path for path in wrong if path.endswith(".md") and id_in(path) not in shown)
    return tuple(sorted(shown.values(), key=order)), tuple(left_out)


def _is_touched(incident: Incident, wrong: Collection[str]) -> bool:
    """Whether a problem concerns an incident: its own file, a translation of it, or a folder they are in."""
    files = {incident.path, *_translation_paths(incident)}
    return any(
        path in files or _is_below(incident.path, [path]) or (path.endswith(".md") and id_in(path) == incident.id)
        for path in wrong
    )


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _translation_paths(incident: Incident) -> set[str]:
    return {translation.path for translation in incident.translations.values()}
