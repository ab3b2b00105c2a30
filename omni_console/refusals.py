"""What the server says when it says no, in the operator's language.

A sentence that is known is said as it is; anything else is said by its code, which tells at least what kind
of no it is. In English the server's own words are the best there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from omni_console.i18n import N_, _, is_english
from omni_console.refusal_table import REFUSALS, WORDS
from omni_console.server_words import said_by_server
from omni_console.timing import iso_day
from server.protocol import ErrorBody, Obstacle

BY_CODE: Mapping[str, str] = {
    "bad_request": N_("the server does not understand this: are console and server of one version?"),
    "unauthenticated": N_("the server does not know who you are; an administrator can add you"),
    "forbidden": N_("you may not do this; an administrator can"),
    "not_found": N_("there is no such thing any more"),
    "taken": N_("somebody else has it"),
    "stale": N_("something new came meanwhile: read it, then send again"),
    "held": N_("something stands against it"),
    "missing": N_("something is still to be filled in"),
    "known": N_("a channel shows who he is"),
    "illegal_state": N_("that cannot be done as things are now"),
    "too_large": N_("that is too large"),
    "version": N_("console and server are of different versions: update the older one"),
    "limited": N_("too many questions at once: wait a moment"),
    "unavailable": N_("the server cannot do it now: nothing was changed"),
}


def known(sentence: str) -> str | None:
    """In the operator's language, or None where nobody put it into words."""
    return REFUSALS.said(sentence, _part)


def _part(name: str, words: str) -> str:
    if name == "day":
        return iso_day(words)
    return said_by_server(words) if name in ("why", "channel") else _(WORDS.get(words, "")) or words


def refusal(problem: ErrorBody) -> str:
    """Why not, and what to do where that is known: one or two sentences."""
    if is_english():
        return f"{problem.message}. {problem.hint}".strip(" .")
    said = known(problem.message)
    if said is None:
        return _(BY_CODE.get(problem.code, BY_CODE["illegal_state"]))
    return f"{said}. {known(problem.hint) or ''}".strip(" .")


def obstacle_words(obstacle: Obstacle) -> str:
    """What stands in the way of a first message, and who, what, when."""
    kind = {
        "open_conversation": _("there is an open conversation"),
        "colleague_wrote": _("a colleague wrote lately"),
        "order": _("there is an order"),
        "consent": _("consent is missing"),
        "barred": _("the address is barred"),
    }[obstacle.kind]
    text = known(obstacle.text) or obstacle.text
    return f"{kind}: {text}" if text else kind
