"""The templates of a project, compiled: autoescaping on, every name defined."""

import hashlib
import traceback
from collections.abc import Mapping

from jinja2 import BytecodeCache, DictLoader, Environment, StrictUndefined, TemplateSyntaxError
from msgspec import Struct

from meaculpa.errors import InvalidInput, Problem
from meaculpa.model import Source
from meaculpa.names import REFERENCE_WORDS
from meaculpa.render.marked import escape_markdown
from meaculpa.render.words import Words, read_words


class Theme(Struct, frozen=True):
    """Everything of `site_templates/`: compiled templates, plain files, words; `digest` identifies all of it."""

    environment: Environment
    texts: Mapping[str, str]
    words: tuple[Words, ...]
    digest: str

    def render(self, template: str, **facts: object) -> str:
        """Render a template; raises InvalidInput with its line where a project's own template is wrong."""
        try:
            return self.environment.get_template(template).render(**facts)
        except Exception as error:
            raise InvalidInput([_template_problem(template, error)]) from error


def make_theme(
    templates: Mapping[str, Source], locales: tuple[str, ...], compiled: BytecodeCache | None = None
) -> Theme | list[Problem]:
    """Compile the templates and read the words of each locale; gives the theme, or every problem.

    `compiled` keeps templates between processes.
    """
    problems = [
        Problem(f"site_templates/{name}", 0, "not UTF-8 text", "save the file as UTF-8")
        for name, source in templates.items()
        if not _is_text(source.content)
    ]
    if problems:
        return problems
    # Browsers hash inline styles and scripts with their line ends made one; so must the policy that allows them.
    texts = {name: _one_line_end(source.content.decode("utf-8-sig")) for name, source in templates.items()}
    strings = {
        name.removeprefix("locales/").removesuffix(".yml"): source.content
        for name, source in templates.items()
        if name.startswith("locales/")
    }
    words = read_words(strings, locales, templates[REFERENCE_WORDS].content)
    if isinstance(words, list):
        return words
    named = sorted((name, source.digest) for name, source in templates.items())
    digest = hashlib.sha256(repr(named).encode()).hexdigest()
    return Theme(_environment(texts, compiled), texts, words, digest)


def _template_problem(template: str, error: Exception) -> Problem:
    if isinstance(error, TemplateSyntaxError):
        return Problem(f"site_templates/{error.name or template}", error.lineno, error.message or "cannot be read")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    if isinstance(error, KeyError):
        return Problem(f"site_templates/{template}", (lines or [0])[-1] or 0, f"there are no words for {error}")
    return Problem(f"site_templates/{template}", (lines or [0])[-1] or 0, str(error))


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _environment(texts: Mapping[str, str], compiled: BytecodeCache | None) -> Environment:
    environment = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=compiled,
    )
    environment.filters["markdown"] = escape_markdown
    return environment
