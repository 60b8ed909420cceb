"""`meaculpa edge` and `embed`: what the shop's edge and its pages need, printed with this site's addresses."""

from datetime import datetime

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.building import build_once
from meaculpa.cli.common import clock, now_option, project_root, read_all
from meaculpa.cli.wording import say
from meaculpa.project import read_project, read_scaffold
from meaculpa.render.banner import integrity
from meaculpa.render.edge import EDGES, edge_configuration, embedding, install_line, needs_the_page, pinned_line
from meaculpa.render.headers import PINNED

_SORRY = "Sorry, our shop does not answer at the moment. Please try again in a few minutes."


@click.command("edge")
@click.argument("kind", type=click.Choice(list(EDGES)), metavar="KIND")
@now_option
@click.pass_context
def edge_command(context: click.Context, kind: str, now: datetime | None) -> None:
    """Print configuration for the shop's edge.

    KIND is nginx, haproxy, apache, varnish, kubernetes, cloudfront, cloudflare or alb: each answers with the splash
    page, 503 and Retry-After when the shop does not. status-nginx and status-caddy are for serving the status site
    itself.
    """
    files, config = read_all(project_root(context), Memory())
    tiny = ""
    if needs_the_page(kind):
        tiny = build_once(files, clock(now), Memory(), "Nothing was printed.").files["splash.tiny.html"].body.decode()
    say(edge_configuration(kind, read_scaffold("edge"), config, tiny, _SORRY).rstrip("\n"))


@click.command("embed")
@click.option("--pinned", is_flag=True, help="The code pinned by its hash (SRI), for payment pages.")
@now_option
@click.pass_context
def embed_command(context: click.Context, pinned: bool, now: datetime | None) -> None:
    """Print the line that shows the banner on your storefront, and what a security policy must allow for it."""
    done = build_once(read_project(project_root(context)), clock(now), Memory(), "Nothing was printed.")
    core = next(path for path in done.files if path.startswith(PINNED))
    digest = integrity(done.files[core].body.decode())
    script = pinned_line(done.config, core, digest) if pinned else install_line(done.config)
    template = read_scaffold("edge")["embed-pinned.txt.j2" if pinned else "embed.txt.j2"]
    say(embedding(template, done.config, script, core, digest).rstrip("\n"))
