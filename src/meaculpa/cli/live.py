"""`meaculpa serve`: the site on localhost follows the files, until stopped."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from meaculpa.build.composition import Memory
from meaculpa.cli.common import now_option, project_root
from meaculpa.cli.following import WHEN_BROKEN, Teller, build_or_tell, stop_on_signals, tell, tell_degraded
from meaculpa.cli.wording import bold, count, faint, good, say
from meaculpa.model import OutputFile
from meaculpa.preview import Desk, serve
from meaculpa.project import read_scaffold
from meaculpa.watch import Follower, Occasion, watch

_DEFAULT_PORT = 8080


@click.command("serve")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_PORT,
    show_default=True,
    help="The port on localhost; 0 takes any that is free.",
)
@now_option
@click.pass_context
def serve_command(context: click.Context, port: int, now: datetime | None) -> None:
    """Show the site on localhost and follow every change of the files; publishes nothing."""
    root, memory, teller = project_root(context), Memory(), Teller()
    desk = Desk(pages=read_scaffold("preview"))
    try:
        server = serve(desk, port)
    except OSError as error:
        raise click.UsageError(
            f"port {port} cannot be used ({error.strerror}); choose another: --port 8081"
        ) from None
    url = f"http://localhost:{server.server_address[1]}"

    def act(occasion: Occasion) -> datetime:
        at = Occasion(occasion.files, now or occasion.now, occasion.failure)
        done = build_or_tell(at, memory, teller, url)
        before = desk.files
        desk.show(done.files if done else None, teller.told)
        if before and desk.files is not before:
            tell(good(f"Shown: {_count_changes(before, desk.files)}"))
        if done is None or now:
            return occasion.now + WHEN_BROKEN
        return min(moment for moment in (done.site.next_change, done.look_again) if moment)

    signal = stop_on_signals()
    _print_addresses(url, root)
    watch(root, Follower(act, tell_degraded), signal)
    desk.close()
    server.shutdown()
    memory.pool.close()
    tell("Stopped.")


def _count_changes(before: Mapping[str, OutputFile], now: Mapping[str, OutputFile]) -> str:
    changed = [path for path, file in now.items() if path not in before or before[path].digest != file.digest]
    return f"{count(len(changed), 'file')} changed"


def _print_addresses(url: str, root: Any) -> None:
    say(f"Status page  {bold(url)}")
    say(f"Banner       {url}/__preview/checkout  (in a pretend storefront)")
    say(f"Splash page  {url}/splash.html")
    say(faint(f"Edit the files in {root / 'incidents'} and save. Stop with Ctrl-C."))
