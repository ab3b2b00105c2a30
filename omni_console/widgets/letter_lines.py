"""What stands around a message that names its sender and recipients: pure layout.

Warnings always; who else got it; and, for the message under the cursor, everything that is known.
"""

from __future__ import annotations

from textual.content import Content

from omni_console.i18n import N_, _
from omni_console.keymap import key_for
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.widgets.paint import Line
from server.protocol import Message, Recipient

WARNINGS = {
    "from": N_("From: {it}"),
    "warn_mixed_script": N_("! the sender's domain mixes alphabets: {it}"),
    "warn_like_ours": N_("! looks like our own {it}, and is another domain"),
    "warn_like_known": N_("! looks like {it}, whom we know, and is another address"),
    "warn_name": N_("! the name claims another address: {it}"),
    "warn_reply_to": N_("! answers are asked to go elsewhere: {it}"),
    "held_for_spam": N_("! marked as spam by the provider: {it}"),
    "forged": N_("! a mark of ours in it is forged, and was ignored"),
}

# What our own mail server found out about the sender.
VERDICTS = {
    "pass": ("✓", N_("sender checked"), "dim"),
    "fail": ("✗", N_("NOT from the stated sender"), "bad"),
    "none": ("·", N_("sender not checked"), "dim"),
}

# What became of a recipient of ours.
FATES = {
    "": "…",
    "sent": "✓",
    "delivered": "✓✓",
    "retry": "↻",
    "delayed": "↻",
    "failed": "✗",
    "unknown": "?",
}
TROUBLED = ("retry", "delayed", "failed", "unknown")


def credentials(message: Message, room: int, *, whole: bool) -> list[Line]:
    """Before the text: doubts about the sender, and who else got it. `whole`: what is no doubt too."""
    lines: list[Line] = []
    for key, words in WARNINGS.items():
        if key in message.detail:
            text = _(words).format(it=said_by_server(message.detail[key]))
            lines.extend(_wrapped(text, room, "note" if key == "from" else "bad"))
    verdict, _colon, checks = message.detail.get("authentication", "").partition(":")
    if verdict in VERDICTS and (whole or verdict == "fail"):
        sign, words, role = VERDICTS[verdict]
        lines.extend(_wrapped(f"{sign} {_(words)}: {said_by_server(checks.strip())}", room, role))
    if message.kind == "in":
        lines.extend(_addressed(message, room, whole=whole))
    if whole and message.reason:
        lines.extend(_wrapped(_("here: {why}").format(why=said_by_server(message.reason)), room, "dim"))
    return lines


def _addressed(message: Message, room: int, *, whole: bool) -> list[Line]:
    """Who else got it; the cursor also shows where answers are asked to go."""
    others = [one.address for one in message.recipients if one.role in ("to", "cc")]
    lines = _wrapped(_("also to {whom}").format(whom=_few(others, whole)), room, "dim") if others else []
    asked = [one.address for one in message.recipients if one.role == "reply_to"]
    if asked and whole and "warn_reply_to" not in message.detail:
        lines += _wrapped(_("answers to {whom}").format(whom=", ".join(asked)), room, "dim")
    return lines


def consequences(message: Message, room: int, *, whole: bool) -> list[Line]:
    """After the text: what became of each recipient, and where the message may belong."""
    lines: list[Line] = []
    if message.kind == "out" and (len(message.recipients) > 1 or whole):
        lines += _fates(message.recipients, room, whole=whole)
    elif any(one.state == "delayed" for one in message.recipients):
        lines += _fates(message.recipients, room, whole=True)
    if whole and "instead_of" in message.detail:
        text = _("{author} chose this channel, not {other}").format(
            author=message.author, other=said_by_server(message.detail["instead_of"])
        )
        lines += _wrapped(text, room, "dim")
    if message.suggest_id is not None:
        text = _("may belong to #{number} ({why}): {key} joins it").format(
            number=message.suggest_id, why=said_by_server(message.suggest_why), key=key_for("suggest.join")
        )
        lines += _wrapped(text, room, "note")
    return lines


def _fates(recipients: list[Recipient], room: int, *, whole: bool) -> list[Line]:
    troubled = [one for one in recipients if one.state in TROUBLED]
    lines: list[Line] = []
    if whole or len(recipients) > len(troubled):
        words = [f"{_role(one)}{one.address} {FATES[one.state]}" for one in recipients]
        lines += _wrapped(_few(words, whole), room, "dim")
    for one in troubled:
        lines += _wrapped(f"{FATES[one.state]} {one.address}  {said_by_server(one.detail)}", room, "bad")
    return lines


def _role(one: Recipient) -> str:
    return {"cc": "cc ", "bcc": "bcc "}.get(one.role, "")


def _few(words: list[str], whole: bool) -> str:
    if whole or len(words) <= 3:
        return ", ".join(words)
    return ", ".join(words[:3]) + " " + _("and {n} more").format(n=len(words) - 3)


def _wrapped(text: str, room: int, role: str) -> list[Line]:
    return [[(part, role)] for part in safe_line(text).wrap(room) or [Content("")]]
