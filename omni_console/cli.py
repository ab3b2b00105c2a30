"""The `omni` command.

Each subcommand is a click command in a module of its own, imported only when it is called, so that
`omni --help` answers at once. A command returns its exit code (None: 0) or raises; what it raises is
explained here, in one way for all: what is wrong, where, what to do.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from omni_console.commands.options import Options

# name -> where the click command is, and its line in `omni --help`
COMMANDS = {
    "demo": (
        "omni_console.commands.demo:demo",
        "Try everything now, with customers who write by themselves.",
    ),
    "init": ("omni_console.commands.init:init", "Write a configuration and make the database."),
    "serve": ("omni_console.commands.serve:serve", "Run the agent server."),
    "mail-worker": (
        "omni_console.commands.mail_worker:mail_worker",
        "Parse mail for a server, without its rights.",
    ),
    "console": ("omni_console.commands.console:console", "Open the operator console."),
    "list": ("omni_console.commands.reading:list_", "The conversations of a view, as lines or JSON."),
    "show": ("omni_console.commands.reading:show", "One conversation with its messages."),
    "overview": (
        "omni_console.commands.overview:overview",
        "For leads: what waits, who has how much in hand, hand-overs.",
    ),
    "views": ("omni_console.commands.saved_views:views", "Filters kept under a name: list, save, remove."),
    "search": ("omni_console.commands.reading:search", "Messages with these words."),
    "tail": ("omni_console.commands.reading:tail", "What happens, a line for each event."),
    "reply": ("omni_console.commands.answering:reply", "Answer a customer; the text from standard input."),
    "note": ("omni_console.commands.answering:note", "Write a private note."),
    "forward": ("omni_console.commands.forwarding:forward", "Send a message on to somebody else."),
    "contact": ("omni_console.commands.contact:contact", "Write down a call, a visit, a letter on paper."),
    "claim": ("omni_console.commands.deciding:claim", "Take conversations."),
    "release": ("omni_console.commands.deciding:release", "Give conversations back to the queue."),
    "assign": ("omni_console.commands.deciding:assign", "Hand conversations to a colleague."),
    "share": ("omni_console.commands.deciding:share", "Let a collaborator see conversations."),
    "wake": ("omni_console.commands.deciding:wake", "End snoozes before their time."),
    "undo": ("omni_console.commands.deciding:undo", "Take back what you did with a conversation."),
    "snooze": ("omni_console.commands.deciding:snooze", "Put conversations away until a time."),
    "close": ("omni_console.commands.deciding:close", "Close conversations, with topic and result."),
    "decline": ("omni_console.commands.deciding:decline", "What was handed over goes back."),
    "tag": ("omni_console.commands.sorting:tag", "Put tags on conversations, and take them off."),
    "priority": ("omni_console.commands.sorting:priority", "How urgent conversations are."),
    "about": ("omni_console.commands.sorting:about", "What a conversation is about, and the next step."),
    "spam": ("omni_console.commands.sorting:spam", "Keep conversations apart, or let them in again."),
    "split": ("omni_console.commands.regrouping:split", "Messages become a conversation of their own."),
    "join": ("omni_console.commands.regrouping:join", "Two conversations of a person become one."),
    "regroupings": (
        "omni_console.commands.regrouping:regroupings",
        "What was split or joined, and back.",
    ),
    "next": ("omni_console.commands.my_day:next_", "Take the most urgent conversation."),
    "why": ("omni_console.commands.my_day:why", "How urgent a conversation is, and why."),
    "presence": ("omni_console.commands.my_day:presence", "Whether new work comes to me."),
    "mentions": ("omni_console.commands.my_day:mentions", "Notes of colleagues that name me."),
    "identity": ("omni_console.commands.identities:identity", "Cards that may be one person."),
    "code": ("omni_console.commands.proof:code", "Six digits show that an address is somebody's."),
    "continue": (
        "omni_console.commands.proof:continue_",
        "A link that leads a customer to another channel.",
    ),
    "reopen": ("omni_console.commands.deciding:reopen", "Open closed conversations again."),
    "templates": ("omni_console.commands.templates:templates", "Texts kept ready: list, set, import."),
    "channels": ("omni_console.commands.channels:channels", "Which channels there are, and how they do."),
    "webhooks": (
        "omni_console.commands.webhooks:webhooks",
        "The company's systems that are told of events, and how they do.",
    ),
    "outbox": ("omni_console.commands.outbox:outbox", "Replies that failed or may not have arrived."),
    "mail": (
        "omni_console.commands.mail:mail",
        "Every mail accounted for; quarantine; archives brought in.",
    ),
    "people": (
        "omni_console.commands.people:people",
        "Find people, change a card, import with history, export one.",
    ),
    "files": ("omni_console.commands.files:files", "Save a customer's file, or a message as it came."),
    "deadlines": ("omni_console.commands.deadlines:deadlines", "Compute anew when replies are due."),
    "operators": ("omni_console.commands.operators:operators", "Add, list, disable and enable operators."),
    "config": ("omni_console.commands.config:config", "Show the configuration that is in force."),
    "backup": (
        "omni_console.commands.backup:backup",
        "Save everything in one archive, while the server works.",
    ),
    "restore": ("omni_console.commands.restore:restore", "Put a backup in place, after checking all of it."),
    "audit": ("omni_console.commands.audit:audit", "Show that the event log is as it was written."),
    "inspect": (
        "omni_console.commands.inspect:inspect",
        "Show what a channel makes of a payload, without a server.",
    ),
    "doctor": ("omni_console.commands.doctor:doctor", "Check this installation and say what to mend."),
}


class Commands(click.Group):
    """Subcommands by name; imported when called, listed without being imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no click command")
        _accept_global_options(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    options = ctx.find_object(Options)
    if value is not None and options is not None and param.name is not None:
        setattr(options, param.name, value)


def _global_options() -> list[click.Option]:
    path = click.Path(path_type=Path)
    return [
        click.Option(
            ["--config"], type=path, expose_value=False, callback=_keep, help="The configuration: omni.toml."
        ),
        click.Option(
            ["--socket"], type=path, expose_value=False, callback=_keep, help="The server's operator socket."
        ),
    ]


def _accept_global_options(command: click.Command) -> None:
    """--config and --socket are understood before and after the subcommand's name."""
    have = {param.name for param in command.params}
    command.params.extend(option for option in _global_options() if option.name not in have)
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _accept_global_options(child)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"omni {version('omni-console')}")
        except PackageNotFoundError:
            click.echo("omni (run from its source)")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        *_global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_version,
            help="The version.",
        ),
    ],
    epilog="Exit codes: 0 ok, 1 what was checked is not ok, 2 wrong usage or configuration,"
    " 3 no server there, 4 not permitted, 70 a fault of ours.",
)
def omni() -> None:
    """Omni Console: customers from every channel, in one terminal."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = omni.main(arguments, prog_name="omni", standalone_mode=False, obj=Options())
    except click.UsageError as error:
        error.show()
        return 2
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except Exception as error:
        from omni_console.commands.errors import explain

        return explain(error)
    return code if isinstance(code, int) else 0


def main() -> None:
    sys.exit(run(sys.argv[1:]))
