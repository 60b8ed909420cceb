"""A person at a terminal: answers are typed, and what they see is read; the editor is a program of the test's own."""

import os
import pty
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 60.0


def at_a_terminal(project: Path, *arguments: str, typed: str = "", editor: str = "") -> tuple[int, str]:
    """Run meaculpa at a terminal; `editor` is a shell script whose $1 is the file. Gives exit code and screen."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "EDITOR": _editor(project, editor)}
    process = subprocess.Popen(
        [sys.executable, "-m", "meaculpa", *arguments],
        cwd=project,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    screen = _read(ours, process)
    os.close(ours)
    assert "Traceback" not in screen, screen
    return process.wait(SECONDS), screen


def _editor(project: Path, script: str) -> str:
    path = project.parent / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script or 'true'}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def _read(ours: int, process: "subprocess.Popen[bytes]") -> str:
    screen, limit = b"", time.monotonic() + SECONDS
    while time.monotonic() < limit:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                part = os.read(ours, 65_536)
            except OSError:
                break
            if not part:
                break
            screen += part
        elif process.poll() is not None:
            break
    return screen.decode("utf-8", "replace").replace("\r\n", "\n")
