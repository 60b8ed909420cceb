"""Runs commands that do not end by themselves, and waits for what they do."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 20.0


def eventually(question: Callable[[], object], what: str) -> None:
    """Wait until a question is answered with yes; a busy machine gets much time, a quick one is not held up."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            if question():
                return
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


class Running:
    """A command in the background, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask it to end; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)


@contextlib.contextmanager
def running(project: Path, *arguments: str) -> Iterator[Running]:
    log = project.parent / "said.log"
    command = [sys.executable, "-u", "-m", "meaculpa", "-C", str(project), *arguments]
    with log.open("wb") as output:
        environment = {**os.environ, "NO_COLOR": "1"}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
