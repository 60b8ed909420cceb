"""The command `meaculpa`: every command is loaded only when it is asked for."""

import gc
import os
import sys
from pathlib import Path

import click

from meaculpa import __version__
from meaculpa.cli.lazy import LazyGroup
from meaculpa.errors import InvalidInput, MeaculpaError, NotAProject, TargetError

# Command -> its module and what the list of commands says of it.
COMMANDS = {
    "init": ("meaculpa.cli.init", "Make a new project (--sample: the sample shop, its times moved to now)."),
    "new": ("meaculpa.cli.new", "Open a new incident."),
    "update": ("meaculpa.cli.update", "Add an update to an incident."),
    "resolve": ("meaculpa.cli.update", "Say that an incident is over."),
    "list": ("meaculpa.cli.look", "Show open incidents and what was promised, overdue first."),
    "check": ("meaculpa.cli.check", "Show every problem in the files, and in their words."),
    "build": ("meaculpa.cli.build", "Render the site into a folder."),
    "publish": ("meaculpa.cli.publish", "Build, and bring every target up to date."),
    "watch": ("meaculpa.cli.watching", "Build and publish on every change, until stopped."),
    "rollback": ("meaculpa.cli.history", "Put an earlier build back and hold it there."),
    "retract": ("meaculpa.cli.history", "Take off what should never have been published, everywhere."),
    "serve": ("meaculpa.cli.live", "Open the live desk: what customers will read, while you write it."),
    "customers": ("meaculpa.cli.customers", "Plan a letter to each customer whose order is affected."),
    "embed": ("meaculpa.cli.edge", "Print the line that shows the banner on your storefront."),
    "edge": ("meaculpa.cli.edge", "Print configuration that shows the splash page when the shop is down."),
    "infra": ("meaculpa.cli.infra", "Print CloudFormation for the buckets and the distribution."),
    "kit": ("meaculpa.cli.kit", "Print what support needs to answer with one voice."),
    "channels": ("meaculpa.cli.channels", "Show what chats, phones and webhooks were told of updates; try them."),
    "doctor": ("meaculpa.cli.doctor", "Check whether everything is ready for a bad night."),
    "drill": ("meaculpa.cli.drill", "Rehearse a bad night on a throwaway copy, with a clock running."),
    "import": ("meaculpa.cli.importing", "Take incidents over from another status page."),
    "schema": ("meaculpa.cli.schema", "Print JSON Schema of the files, for editors."),
    "completion": ("meaculpa.cli.completion", "Print the shell's completion script."),
}

# Pydantic looks through all installed packages for plugins; ours has no use for any.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

EXIT_INPUT, EXIT_USAGE, EXIT_FAILED, EXIT_INTERRUPTED = 1, 2, 3, 130


@click.group(
    cls=LazyGroup,
    known=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.option(
    "-C",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Work in this folder's project instead of the one here or above.",
)
@click.version_option(__version__, "--version", prog_name="meaculpa", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, directory: Path | None) -> None:
    """When your shop breaks, your customers hear it from you.

    Markdown incident files become a status page, an outage banner and a splash page, published to a folder or S3.
    """
    if directory is not None and not directory.is_dir() and context.invoked_subcommand != "init":
        raise click.UsageError(f"there is no folder {directory}")
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every mistake that a user can make ends in one clear line and an exit code."""
    # A build makes many objects and no garbage worth looking for so often.
    gc.set_threshold(200_000, 20, 20)
    # A thread that hears from a helper or a server goes on at once, not 5 ms later.
    sys.setswitchinterval(0.0005)
    # Looking for plugins of Pydantic reads about every package that is installed; we have none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        code = cli.main(arguments, prog_name="meaculpa", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except MeaculpaError as error:
        sys.exit(_tell(error))
    except BrokenPipeError:
        # Whoever read our output has had enough; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except UnicodeError:
        click.echo("meaculpa: an argument or a file name is not UTF-8 text", err=True)
        sys.exit(EXIT_USAGE)
    except RuntimeError as error:
        # What Python before 3.13 says of a link that leads to itself.
        said, _, place = str(error).partition(" from ")
        if said != "Symlink loop":
            raise
        click.echo(f"meaculpa: {place}: a link that leads to itself", err=True)
        sys.exit(EXIT_FAILED)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"meaculpa: {place}{error.strerror or error}", err=True)
        sys.exit(EXIT_FAILED)
    finally:
        # Python would look through all that is left for garbage, and the system takes it back at once.
        gc.freeze()


def _tell(error: MeaculpaError) -> int:
    from meaculpa.cli.wording import say_problems

    if isinstance(error, InvalidInput):
        say_problems(error.problems, "Nothing was written.")
        return EXIT_INPUT
    click.echo(f"meaculpa: {error}", err=True)
    if isinstance(error, TargetError):
        return EXIT_FAILED
    return EXIT_USAGE if isinstance(error, NotAProject) else EXIT_INPUT
