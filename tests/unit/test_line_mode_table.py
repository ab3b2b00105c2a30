"""Every action of the console has its command of line mode, or only moves what one sees."""

from __future__ import annotations

import importlib

import click
import pytest

from omni_console.actions import ACTIONS, command_of
from omni_console.cli import COMMANDS

WRITES = "reply"  # a part of writing: an option of the command, or the shell's own editor
# Whoever runs a script knows what it did, not what was done last: each of these takes one kind of deed back,
# and is printed with its number when the deed is done.
BACK = (
    *("undo", "outbox withdraw", "identity apart", "identity again", "regroupings", "spam"),
    "people history",
)
LINE: dict[str, str | tuple[str, ...]] = {
    "next.take": "next",
    "next.why": "why",
    "attention.next": "list",
    "attention.prev": "list",
    "reply.start": "reply",
    "reply.all": WRITES,
    "reply.quote": WRITES,
    "compose.recipients": WRITES,
    "compose.attach": WRITES,
    "compose.way": WRITES,
    "compose.send": WRITES,
    "compose.send_next": WRITES,
    "compose.kind": "note",
    "compose.editor": WRITES,
    "compose.spell": WRITES,
    "template.insert": WRITES,
    "note.start": "note",
    "thread.claim": "claim",
    "thread.assign": "assign",
    "thread.share": "share",
    "thread.decline": "decline",
    "thread.release": "release",
    "thread.close": "close",
    "thread.reopen": ("reopen", "wake"),
    "thread.snooze": "snooze",
    "thread.facts": "about",
    "thread.tags": "tag",
    "thread.priority": "priority",
    "thread.spam": "spam",
    "thread.split": "split",
    "thread.join": "join",
    "thread.regroupings": "regroupings",
    "suggest.join": "join",
    "customer.write": "people write",
    "customer.write_many": "people write",
    "customer.find": "people find",
    "customer.merge": "identity merge",
    "customer.unmerge": "identity apart",
    "identity.open": "identity list",
    "card.yes": "identity accept",
    "card.no": "identity refuse",
    "thread.card": "people show",
    "files.open": "show",
    "notes.open": "show",
    "message.source": "files source",
    "message.files": "files",
    "search.open": "search",
    "switcher.open": "list",
    "view.show": "list",
    "view.next": "list",
    "view.prev": "list",
    "mentions.open": "mentions",
    "outbox.open": "outbox",
    "lead.open": "overview",
    "presence.choose": "presence",
    "thread.open": "show",
    "history.channels": "show",
    "history.folds": "show",
    "compose.schedule": WRITES,
    "send.undo": "outbox withdraw",
    "undo.last": BACK,
    "message.forward": "forward",
    "contact.log": "contact",
    "customer.code": "code ask",
    "customer.code_try": "code try",
    "thread.continue": "continue",
    "finding.add": "people found",
    "card.act": ("people set", "people tag", "people consent", "people address", "identity apart"),
    "card.fill": ("people set", "people tag", "people consent", "people address", "people link"),
    "card.history": "people history",
    "filter.list": "list",
    "view.saved": "views save",
}
SCREEN = (
    "row.",
    "page.",
    "list.",
    "slot.",
    "pane.",
    "case.",
    "screen.",
    "hit.",
    "mark.",
    "palette.",
    "help.",
    "layout.",
)
ALSO_SCREEN = frozenset(
    {
        "thread.next",
        "thread.prev",
        "thread.last",
        "card.leave",
        "compose.leave",
        "command.open",
        "repeat.last",
        "app.quit",
    }
)


def commands() -> set[str]:
    return {command_of(action) for action in ACTIONS}


def only_moves(command: str) -> bool:
    return command.startswith(SCREEN) or command in ALSO_SCREEN


def test_every_action_is_a_command_or_moves_what_one_sees() -> None:
    doing = {command for command in commands() if not only_moves(command)}
    assert doing - LINE.keys() == set(), "which command of line mode does these?"
    assert LINE.keys() - doing == set(), "there are no such actions any more"


def lines() -> list[str]:
    return sorted(
        {line for found in LINE.values() for line in ([found] if isinstance(found, str) else found)}
    )


@pytest.mark.parametrize("line", lines())
def test_the_command_is_there(line: str) -> None:
    name, *rest = line.split()
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    for part in rest:
        assert isinstance(found, click.Group)
        found = found.commands[part]
    assert isinstance(found, click.Command)
