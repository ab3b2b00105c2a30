"""What is wrong with what was typed to find something, in the operator's language; and how it may go on."""

from __future__ import annotations

import re

from omni_console.command_line import Completion
from omni_console.desk import Desk
from omni_console.i18n import _
from server.protocol import filtering
from server.protocol.query import NAMES, VALUES, Name, Query, QueryError, Term

OFFERED = 20
_DAYS = ("today", "yesterday", "3d", "1w")
_NOT_IN_LISTS = frozenset({"to", "has"})


def why(error: QueryError) -> str:
    said = {
        "unknown": _("there is no qualifier {name}:"),
        "empty": _("{name}: what comes behind it?"),
        "value": _("{name}: knows no “{value}”"),
        "date": _("{name}: “{value}” is no date; such as 3.11, yesterday, mon, 3d"),
        "nobody": _("{name}: there is no “{value}”"),
        "unseen": _("{name}: asks cards, which you do not see"),
        "place": _("{name}:{value} is for searching messages, not for a list"),
    }[error.wrong].format(name=error.name, value=error.value[:40])
    if error.near:
        return said + " · " + _("did you mean {near}?").format(near=error.near)
    if error.wrong in ("unknown", "value"):
        known = NAMES if error.wrong == "unknown" else VALUES.get(error.name, ())
        return said + " · " + _("there are {names}").format(names=", ".join(known))
    return said


def known_to(desk: Desk) -> filtering.Known:
    """Whom and what the names in a query may mean, as far as this console knows."""
    return filtering.Known(
        me=desk.me, operators=list(desk.operators.values()), channels=list(desk.channels.values())
    )


def texts_of(query: Query) -> list[Term]:
    return [term for term in query.of("text") if not term.excluded]


def completion(typed: str, desk: Desk, *, lists: bool) -> str:
    """`typed`, its last word completed: a qualifier, or what may stand behind it; "" where nothing is to be
    added."""
    found = options(typed, desk, lists=lists)
    return typed[: found.start] + found.words[0] if found.words else ""


def options(typed: str, desk: Desk, *, lists: bool) -> Completion:
    """What the last word could become. `lists`: only what a list can be filtered by."""
    found = re.search(r"(?:^|\s)-?((?P<name>[^\W\d_]+):)?(?P<begun>[^\s\":]*)$", typed)
    if found is None:
        return Completion(len(typed))
    begun, name = found["begun"].lower(), found["name"]
    if name is None:
        words = [f"{one}:" for one in NAMES if not (lists and one in _NOT_IN_LISTS)]
        if len(begun) < 2:
            return Completion(len(typed))
    else:
        words = _values(name.lower(), desk, lists=lists)  # type: ignore[arg-type]
    fitting = [one for one in words if one.lower().startswith(begun) and len(one) > len(begun)]
    return Completion(len(typed) - len(found["begun"]), tuple(fitting[:OFFERED]))


def _values(name: Name, desk: Desk, *, lists: bool) -> list[str]:
    if name in VALUES:
        return [one for one in VALUES[name] if not (lists and one == "note")]
    if name in ("before", "after", "on"):
        return list(_DAYS)
    if name == "channel":
        return list(dict.fromkeys(each for one in desk.channels.values() for each in (one.id, one.kind)))
    if name == "team":
        return sorted({one.team for one in desk.channels.values() if one.team})
    if name == "assignee":
        return ["me", "nobody", *sorted(one.login for one in desk.operators.values())]
    if name == "tag":
        return sorted({tag for row in desk.conversations.values() for tag in row.tags})
    if name in ("from", "to"):
        names = (row.customer.split(" ")[0] for row in desk.conversations.values())
        return sorted({one for one in names if one and '"' not in one})
    return []
