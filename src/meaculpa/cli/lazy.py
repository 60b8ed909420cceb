"""Groups of commands that import only the one that is called."""

import importlib
from collections.abc import Mapping
from typing import Any

import click

from meaculpa.errors import did_you_mean


class LazyGroup(click.Group):
    """Knows its commands by name, each with its module and what the list says of it, in the order one needs them."""

    def __init__(self, *arguments: Any, known: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.known = known

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which one needs them."""
        return list(self.known)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in self.known:
            return None
        module = importlib.import_module(self.known[cmd_name][0])
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        if args and args[0] not in self.known and not args[0].startswith("-"):
            ctx.fail(f'there is no command "{args[0]}" ({did_you_mean(args[0], self.known)})')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.known.items()])
