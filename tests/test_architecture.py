"""The listing is the architecture: imports run one way, and heavy things stay where they belong."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "meaculpa"

# From left to right: each may import what stands before it, and its own tier's own package.
TIERS = [
    ["errors", "names", "times", "model", "layers"],
    ["strict_yaml"],
    ["schema"],
    ["fields"],
    ["config", "redirects", "metrics"],
    ["content"],
    ["cadence"],
    ["lint", "uptime"],
    ["timeline"],
    ["archive"],
    ["status"],
    ["render"],
    ["manifest"],
    ["plan"],
    ["files", "folders", "halves"],
    ["project"],
    ["publish", "customers", "importers"],
    ["build"],
    ["preview", "watch", "doctor", "channels"],
    ["cli"],
]
PURE = {name for tier in TIERS[:14] for name in tier}
RANK = {name: rank for rank, tier in enumerate(TIERS) for name in tier}

# What of letters and notices is a calculation: it stands among what sends them, and knows as little as the core.
PURE_MODULES = {
    "channels/news.py",
    "channels/record.py",
    "customers/order.py",
    "customers/columns.py",
    "customers/orders.py",
    "customers/blocks.py",
    "customers/delay_law.py",
    "customers/make_good.py",
    "customers/letters.py",
    "customers/calls.py",
    "customers/lists.py",
    "customers/mail.py",
    "customers/sealing.py",
}

# What touches disk, network, clock or processes; the core must not know them.
WORLD = {
    "boto3",
    "botocore",
    "http",
    "os",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
}
WORLD |= {"time", "urllib.request", "watchdog", "select", "sqlite3"}

MODULES = sorted(SOURCE.rglob("*.py"))


def part_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            yield str(node.module)


def inside(path: Path) -> Iterator[str]:
    for name in imports(path):
        if name.startswith("meaculpa."):
            yield name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    for other in inside(path):
        assert other == part or RANK[other] < RANK[part] or (part, other) == ("model", "errors"), (
            f"{part} must not import {other}"
        )


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if part_of(path) in PURE or path.relative_to(SOURCE).as_posix() in PURE_MODULES],
    ids=lambda path: path.relative_to(SOURCE).as_posix(),
)
def test_the_core_knows_no_disk_no_network_and_no_clock(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not {name for name in imports(path) if name in WORLD or name.split(".")[0] in WORLD}
    assert not re.search(r"\bPath\b", text), "a pure path is fine, one that can be opened is not"
    assert ".now(" not in text
    assert ".today(" not in text


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("boto3", {"publish", "customers"}),
        ("botocore", {"publish", "customers"}),
        ("watchdog", {"watch"}),
        ("click", {"cli"}),
        ("apprise", {"channels"}),
    ],
)
def test_a_heavy_library_stays_where_it_belongs(library: str, allowed: set[str]) -> None:
    users = {part_of(path) for path in MODULES if any(name.split(".")[0] == library for name in imports(path))}
    assert users == allowed


def test_nothing_prints_outside_the_commands() -> None:
    for path in MODULES:
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
        names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
        assert part_of(path) == "cli" or "print" not in names, path


def test_every_module_has_its_place_in_the_order() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__", "__main__"} == set(RANK)


def test_there_is_one_place_where_our_errors_end() -> None:
    catches = [
        path for path in MODULES if re.search(r"except \(?MeaculpaError\b.* as ", path.read_text(encoding="utf-8"))
    ]
    assert {path.relative_to(SOURCE).as_posix() for path in catches} == {
        "cli/__init__.py",
        "cli/following.py",
        "cli/update.py",  # keeps what was typed, and raises again
        "publish/__init__.py",
        "watch/__init__.py",
    }


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
from meaculpa.cli import main
try:
    main(["--help"])
except SystemExit:
    print("LOADED", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split("LOADED")[1].split())
    assert not loaded & {"boto3", "jinja2", "pydantic", "babel", "yaml", "watchdog", "markdown", "nh3"}
