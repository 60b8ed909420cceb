"""The same incidents through other programs, each with the least template that shows them, and a list of them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from corpus import incidents, write_project
from speed.measuring import Line, in_turns, put_aside, timed
from speed.ours import cold

PEERS = Path(__file__).parents[2] / ".tools" / "peers"
PYTHON, AWS_PYTHON = (str(PEERS / name / "bin" / "python") for name in ("venv", "aws"))
# In two environments: they do not agree on what they need.
_PACKAGES = {"venv": ("pelican[markdown]", "mkdocs", "hugo"), "aws": ("awscli",)}
_ELEVENTY = "@11ty/eleventy@3.1.2"
_HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><body>'


def set_up() -> None:
    """Install the others into a folder of their own, once."""
    if not (PEERS / "ready").exists():
        for name, packages in _PACKAGES.items():
            subprocess.run([sys.executable, "-m", "venv", str(PEERS / name)], check=True)
            pip = [str(PEERS / name / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", *packages], check=True)
        (PEERS / "eleventy").mkdir(exist_ok=True)
        (PEERS / "eleventy" / "package.json").write_text('{"private": true}')
        install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", _ELEVENTY]
        subprocess.run(install, cwd=PEERS / "eleventy", check=True)
        (PEERS / "ready").touch()


def versions() -> str:
    """What is compared to what."""
    code = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    asked = {PYTHON: ("pelican", "mkdocs", "hugo"), AWS_PYTHON: ("awscli",)}
    found = ", ".join(
        subprocess.run([python, "-c", code, *names], check=True, capture_output=True, text=True).stdout.strip()
        for python, names in asked.items()
    )
    eleventy = json.loads((PEERS / "eleventy/node_modules/@11ty/eleventy/package.json").read_text())["version"]
    return f"{found}, eleventy {eleventy}"


def _texts(count: int) -> Iterator[tuple[str, str, str, str]]:
    """Name, title, day and Markdown of each incident, without our own front matter."""
    for name, text in incidents(count):
        _, front, body = text.split("---\n", 2)
        yield name, front.split("\n")[0].removeprefix("title: "), name[:10], body


def _pelican(folder: Path, count: int) -> list[str]:
    (folder / "content").mkdir(parents=True)
    for name, title, day, body in _texts(count):
        (folder / "content" / f"{name}.md").write_text(f"Title: {title}\nDate: {day}\nSlug: {name}\n\n{body}")
    templates = folder / "theme" / "templates"
    templates.mkdir(parents=True)
    (folder / "theme" / "static").mkdir()
    head = _HEAD.format(title="{{ article.title }}")
    (templates / "article.html").write_text(f"{head}<h1>{{{{ article.title }}}}</h1>{{{{ article.content }}}}")
    (templates / "index.html").write_text(
        "{% for a in articles[:20] %}<a href={{ a.url }}>{{ a.title }}</a>{% endfor %}"
    )
    lists = ("AUTHOR", "AUTHORS", "CATEGORY", "CATEGORIES", "TAG", "TAGS", "ARCHIVES")
    off = [f"{one}_SAVE_AS = ''" for one in lists]
    feeds = [f"{one} = None" for one in ("FEED_ALL_ATOM", "CATEGORY_FEED_ATOM", "TRANSLATION_FEED_ATOM")]
    rest = [
        "PATH = 'content'",
        "THEME = 'theme'",
        "DIRECT_TEMPLATES = ['index']",
        "TIMEZONE = 'UTC'",
        "SITENAME = 'x'",
    ]
    (folder / "pelicanconf.py").write_text("\n".join([*rest, *off, *feeds]) + "\n")
    return [PYTHON, "-m", "pelican", "--quiet", "--settings", "pelicanconf.py"]


def _mkdocs(folder: Path, count: int) -> list[str]:
    (folder / "docs").mkdir(parents=True)
    for name, title, _, body in _texts(count):
        (folder / "docs" / f"{name}.md").write_text(f"# {title}\n\n{body}")
    (folder / "docs" / "index.md").write_text("# Incidents\n")
    (folder / "theme").mkdir()
    (folder / "theme" / "main.html").write_text(_HEAD.format(title="{{ page.title }}") + "{{ page.content }}")
    (folder / "mkdocs.yml").write_text("site_name: x\nplugins: []\ntheme: {name: null, custom_dir: theme}\n")
    return [PYTHON, "-m", "mkdocs", "build", "--quiet"]


def _hugo(folder: Path, count: int) -> list[str]:
    (folder / "content" / "incidents").mkdir(parents=True)
    for name, title, day, body in _texts(count):
        front = f"---\ntitle: {json.dumps(title)}\ndate: {day}\n---\n"
        (folder / "content" / "incidents" / f"{name}.md").write_text(front + body)
    layouts = folder / "layouts" / "_default"
    layouts.mkdir(parents=True)
    (layouts / "single.html").write_text(_HEAD.format(title="{{ .Title }}") + "<h1>{{ .Title }}</h1>{{ .Content }}")
    (layouts / "list.html").write_text(
        '{{ range .Paginator.Pages }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}'
    )
    (folder / "hugo.toml").write_text("baseURL = 'https://x.example/'\ndisableKinds = ['taxonomy', 'term', 'rss']\n")
    # The package's own command starts Python first.
    found = [path for path in PEERS.glob("venv/**/hugo*") if path.is_file() and path.stat().st_size > 1_000_000]
    return [str(found[0]), "--quiet"]


def _eleventy(folder: Path, count: int) -> list[str]:
    (folder / "_includes").mkdir(parents=True)
    for name, title, day, body in _texts(count):
        front = f"---\ntitle: {json.dumps(title)}\ndate: {day}\nlayout: base.njk\ntags: incident\n---\n"
        (folder / f"{name}.md").write_text(front + body)
    head = _HEAD.format(title="{{ title }}")
    (folder / "_includes" / "base.njk").write_text(f"{head}<h1>{{{{ title }}}}</h1>{{{{ content | safe }}}}")
    (folder / "index.njk").write_text(
        "{% for one in collections.incident | reverse %}{% if loop.index < 21 %}"
        "<a href={{ one.url }}>{{ one.data.title }}</a>{% endif %}{% endfor %}"
    )
    node = shutil.which("node") or "node"
    return [node, str(PEERS / "eleventy/node_modules/@11ty/eleventy/cmd.cjs"), "--quiet"]


_MADE: Mapping[str, tuple[Callable[[Path, int], list[str]], str]] = {
    "Hugo": (_hugo, "public"),
    "Eleventy": (_eleventy, "_site"),
    "MkDocs": (_mkdocs, "site"),
    "Pelican": (_pelican, "output"),
}


def compared(folder: Path, count: int, runs: int) -> Iterator[Line]:
    """Cold builds of ours and of the others, in turns; ratios are of medians."""
    project = folder / f"compared-{count}"
    write_project(project, count)
    every: dict[str, Callable[[], tuple[float, float]]] = {"meaculpa": partial(cold, project)}
    for name, (make, out) in _MADE.items():
        place = folder / f"{name}-{count}"
        every[name] = partial(_fresh, place / out, make(place, count), place)
    found = in_turns(every, runs)
    for name, cost in found.items():
        pages = len(list((project if name == "meaculpa" else folder / f"{name}-{count}").rglob("*.html")))
        ratio = f"; {found['meaculpa'].median / cost.median:.2f} times as long for ours" if name != "meaculpa" else ""
        yield Line(f"cold build: {name}", count, f"{cost}; {pages:,} pages{ratio}")


def _fresh(out: Path, command: list[str], place: Path) -> tuple[float, float]:
    put_aside(place.parent, out)
    return timed(command, place)
