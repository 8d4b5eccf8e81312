"""What all commands share: their name as the user typed it, examples, suggestions, JSON errors."""

from __future__ import annotations

import importlib
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import UserError
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.signs import visible

# tells the program that a shell asks for completions, however it was started
COMPLETE_VARIABLE = "_MARKETING_COMPLETE"


def program() -> str:
    """Return how this program was started, in words that can be pasted again.

    `marketing` where the shell finds that command, else the path that was typed, and the
    interpreter in front of a script.
    """
    typed = sys.argv[0]
    name = Path(typed).name
    if name == "__main__.py":
        return shlex.join([sys.orig_argv[0], "-m", "marketing_analytics"])
    if name.endswith(".py"):
        return shlex.join([sys.orig_argv[0], typed])
    found = shutil.which(name)
    is_on_path = found and Path(typed).exists() and Path(found).samefile(typed)
    return name if is_on_path else shlex.quote(typed)


def beside(words: str) -> str:
    """Return the command line of another command of the group that is running."""
    context = click.get_current_context()
    group = context.parent or context
    return f"{group.command_path} {words}"


def from_root(words: str) -> str:
    """Return the command line of any command of this program."""
    return f"{click.get_current_context().find_root().command_path} {words}"


class Context(click.Context):
    """A context whose help fits terminals of less than 50 columns too."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return a formatter as wide as the terminal, up to 78 columns."""
        return click.HelpFormatter(width=min(shutil.get_terminal_size().columns - 2, 78))


class SaysJson(click.Command):
    """A command whose usage errors are JSON where JSON was asked for."""

    context_class = Context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. Raise UsageError, as JSON where JSON was asked for."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            refuse(error, given)


class Command(SaysJson):
    """A command whose help ends with examples."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, never folded: they are there to be copied."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {ctx.command_path} {example}".rstrip() + "\n")
        super().format_epilog(ctx, formatter)


class Group(SaysJson, click.Group):
    """A group that knows how it was started, and suggests the command that was meant."""

    command_class = Command

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command, under the name that can be typed again."""
        options["prog_name"] = options.get("prog_name") or program()
        options.setdefault("complete_var", COMPLETE_VARIABLE)
        return super().main(*arguments, **options)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Raise UsageError with a suggestion, as JSON where asked for."""
        given = list(args)
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # click looks into `commands`, which a group that loads its commands late has not
            known = self.list_commands(ctx)
            refuse(click.NoSuchCommand(error.command_name, possibilities=known, ctx=ctx), given)
        except click.UsageError as error:
            refuse(error, given)


class LateGroup(Group):
    """A group whose commands are imported when they are called; its help needs none of them.

    `members` maps a command's name to `module:attribute` and the line that its help begins with.
    """

    def __init__(
        self, *arguments: Any, members: Mapping[str, tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.members = members

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted(self.members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now, or None."""
        if cmd_name not in self.members:
            return None
        module, _, attribute = self.members[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.members[name][1]) for name in self.list_commands(ctx)])


class JsonUsageError(click.UsageError):
    """Bad usage, told to a program."""

    def show(self, file: Any = None) -> None:
        """Print the error as one JSON document on stdout."""
        assert self.ctx  # noqa: S101
        hint = f"see {self.ctx.command_path} --help"
        Console(is_json=True).error(UserError(self.format_message(), hint=hint))


def refuse(error: click.UsageError, given: Sequence[str]) -> NoReturn:
    """Raise the error without secrets, as JSON when `--json` is among the arguments given."""
    if isinstance(error, NoArgsIsHelpError):
        raise error
    kind = JsonUsageError if "--json" in given else click.UsageError
    raise kind(visible(redact(error.format_message(), secrets_of())), error.ctx) from None
