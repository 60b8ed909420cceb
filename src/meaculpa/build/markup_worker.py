"""A process that renders Markdown for its parent and may be ended at any moment.

It reads frames from standard input and answers on standard output; its first frame says that it is ready. A request
is a list of texts in JSON, the answer a packed list of `[html, pictures, markdown]`, or null for a text that cannot
be rendered.
"""

import contextlib
import gc
import json
import signal
import sys

from meaculpa.build.frames import make_frame, pack, read_frame
from meaculpa.render.marked import to_markdown
from meaculpa.render.markup import render_markup

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MOST_MEMORY = 300 * 2**20
# Far more than the parent waits for.
_LONGEST = 10


def _render(text: str) -> tuple[str, tuple[str, ...], str] | None:
    try:
        markup = render_markup(text)
        return markup.html, markup.pictures, to_markdown(markup.html)
    except (RecursionError, MemoryError):
        return None


def main() -> None:
    """Answer until the parent closes the pipe."""
    _limit_memory()
    # Rendering makes many objects and no garbage worth looking for so often.
    gc.set_threshold(50_000, 20, 20)
    _answer("ready")
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        _alarm(_LONGEST)
        answer = [_render(text) for text in json.loads(frame)]
        _alarm(0)
        _answer(answer)


def _alarm(seconds: int) -> None:
    """Have the system end this process in time, even when its parent has been killed and cannot."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _answer(value: object) -> None:
    sys.stdout.buffer.write(make_frame(pack(value)))
    sys.stdout.buffer.flush()


def _limit_memory() -> None:
    if resource:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


if __name__ == "__main__":
    # Whoever asked may be gone by the time of the answer.
    with contextlib.suppress(BrokenPipeError):
        main()
