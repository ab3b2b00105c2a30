"""Which events an outgoing webhook may ask for, and whether it asked for one. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from server.operators import PRIVATE_KINDS
from server.people.card_settings import SettingError

# Everything that the event log holds and that concerns more than one operator. A test looks at the server's
# code: a new kind is here, or is private.
KINDS = frozenset(
    {
        "message.received",
        "message.imported",
        "message.queued",
        "message.scheduled",
        "message.withdrawn",
        "message.status",
        "message.changed",
        "note.added",
        "contact.added",
        "conversation.opened",
        "conversation.state",
        "conversation.assigned",
        "conversation.changed",
        "conversation.regrouped",
        "conversation.deadline",
        "conversation.silence",
        "conversation.shared",
        "conversation.unshared",
        "customer.changed",
        "customer.barred",
        "customer.merged",
        "customer.unmerged",
        "customer.erased",
        "identity.suggested",
        "identity.accepted",
        "identity.refused",
        "identity.code_sent",
        "identity.code_failed",
        "identity.code_used",
        "record.changed",
        "channel.state",
        "operator.changed",
        "template.changed",
        "view.changed",
        "journal.quarantined",
        "log.forgotten",
        "server.restored",
    }
)

DEFAULT = ("conversation.*", "message.*", "customer.*", "note.added", "contact.added", "record.changed")
# What was told after the backup was made may not be so any more: nobody may miss that.
ALWAYS = frozenset({"server.restored"})


def matches(pattern: str, kind: str) -> bool:
    """A pattern is `*`, a family (`message.*`), or one kind."""
    return pattern == "*" or pattern == kind or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))


def wanted(patterns: Sequence[str], kind: str) -> bool:
    """Whether the receiver is told. What is one operator's own (what he saw, his drafts) is told to none."""
    if kind in PRIVATE_KINDS:
        return False
    return kind in ALWAYS or any(matches(pattern, kind) for pattern in patterns)


def check(patterns: Sequence[str]) -> None:
    """Raises SettingError for a pattern that no event has."""
    if not patterns:
        raise SettingError("it asks for nothing", key="events", hint=f"leave it out: {', '.join(DEFAULT)}")
    for number, pattern in enumerate(patterns):
        if any(matches(pattern, kind) for kind in KINDS):
            continue
        key = f"events[{number}]"
        if pattern in PRIVATE_KINDS:
            raise SettingError(f"{pattern} is one operator's own, and told to nobody else", key=key)
        families = {f"{kind.partition('.')[0]}.*" for kind in KINDS}
        near = difflib.get_close_matches(pattern, sorted(KINDS | families), 1, cutoff=0.0)
        raise SettingError(f"there is no event {pattern!r}", key=key, hint=f"the nearest is {near[0]!r}")
