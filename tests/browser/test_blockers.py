"""What an ad blocker with the usual lists (EasyList, EasyPrivacy, uBlock's own) does with the banner: nothing."""

import json
import subprocess
from pathlib import Path

from tests.programs import program, tool

HOSTS = ("https://status.northwind.example", "https://status.northwind.com", "https://northwind-status.com")
PATHS = (
    ("banner.js", "script"),
    ("banner.core.0123456789ab.js", "script"),
    ("banner.json", "fetch"),
    ("splash.html", "fetch"),
    ("splash-worker.js", "script"),
)
CONTROL = ("https://www.googletagmanager.com/gtm.js?id=GTM-1", "script")


def ask(*questions: tuple[str, str]) -> dict[str, object]:
    lists = tool("ublock") / "usr/share/chromium/extensions/ublock-origin/assets"
    script = Path(__file__).parent / "blocker.mjs"
    command = [program("node", "nodejs"), str(script), str(tool("blocker")), str(lists), json.dumps(questions)]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert isinstance(answer, dict)
    return answer


def test_nothing_of_ours_is_blocked_and_a_tag_manager_is() -> None:
    ours = [(f"{host}/{path}", kind) for host in HOSTS for path, kind in PATHS]
    found = ask(*ours, CONTROL)
    assert int(str(found["lists"])) >= 3
    assert found["blocked"] == [list(CONTROL)]
    assert found["hidden"] is False
