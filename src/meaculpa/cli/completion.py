"""`meaculpa completion`: the script that teaches a shell our commands."""

import click
from click.shell_completion import get_completion_class

from meaculpa.cli.wording import say


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    r"""Print the completion script of a shell.

    For bash:

    \b
    meaculpa completion bash > ~/.local/share/bash-completion/completions/meaculpa
    """
    shell_class = get_completion_class(shell)
    assert shell_class is not None  # noqa: S101 (click knows all three)
    say(shell_class(context.find_root().command, {}, "meaculpa", "_MEACULPA_COMPLETE").source())
