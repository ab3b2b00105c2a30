"""Words that the server sends in English and operators read all day; the catalogue has them.

What is not here is shown as it came.
"""

from __future__ import annotations

import re

from omni_console.i18n import N_, _

KNOWN = frozenset(
    {
        N_("wrote last here"),
        N_("prefers this channel"),
        N_("wrote here before"),
        N_("verified address"),
        N_("writes from it"),
        N_("typed by the visitor"),
        N_("given"),
        N_("given by the site, not verified"),
        N_("stated as verified by the webhook"),
        N_("mail in its name fails authentication"),
        N_("called from it"),
        N_("a colleague vouches for it"),
        N_("noted by a colleague"),
        N_("followed a link of ours"),
        N_("told the code that was sent there"),
        N_("confirmed by a link that was sent there"),
        N_("imported"),
        N_("caller id"),
        N_("asked for it"),
        N_("own contact on Telegram"),
        N_("a colleague wrote it down"),
        N_("site chat"),
        N_("e-mail"),
        N_("new conversation"),
        N_("automatic message"),
        N_("by In-Reply-To"),
        N_("by References"),
        N_("by In-Reply-To, our own id"),
        N_("by References, our own id"),
        N_("by our signed address"),
        N_("by our marker in the text"),
        N_("by our token in the subject"),
        N_("by the mail it reports"),
        N_("the customer's open conversation"),
        N_("closed a short while ago"),
        N_("same thread"),
        N_("the sender is barred"),
        N_("same subject"),
        N_("it refers to that conversation"),
        N_("the announcement could not be delivered"),
        N_("nobody knows whether the announcement arrived"),
        N_("the customer cannot be reached where he wrote last"),
        N_("the channel takes no more messages until the customer writes"),
        N_("the customer's address is barred"),
        N_("the customer wrote first"),
        N_("a colleague answered meanwhile"),
        N_("something speaks against writing to this person now"),
        N_("it cannot be sent any more as it was written"),
        N_("the conversation was closed"),
        N_("the conversation is kept apart as spam"),
        N_("the customer cannot be reached that way any more"),
        N_("the channel takes no more messages since its window closed"),
        N_("the database was restored from a backup: perhaps it left before"),
        N_("its mail server found that the sender is not who it says"),
    }
)


_PREFERS = re.compile(r"wrote (\d+) of (\d+) here in (\d+) days(?:, answers within (\d+) (min|h|days))?")
_URGENT = "urgent word: "
_CUT_OFF = "cut off: "  # channels, with whoever answers for each
_LIES_IN = "it lies in "
_ASSIGNED = {
    "spoke with the customer last": N_("spoke with the customer last"),
    "least in hand": N_("had the least in hand"),
    "operator lost": N_("came back: the operator's console was lost"),
    "operator gone": N_("came back: the operator is not there"),
    "declined": N_("was declined"),
}


def said_by_server(words: str) -> str:
    """`words` in the operator's language where they are known."""
    if words in KNOWN:
        return _(words)
    if words.startswith(_CUT_OFF):
        told = words.removeprefix(_CUT_OFF).replace("(yours)", "({})".format(_("yours")))
        told = told.replace("(nobody's)", "({})".format(_("nobody's")))
        return _("cut off: {channels}").format(channels=told)
    if words.startswith(_LIES_IN):
        return _("it lies in {folder}").format(folder=words.removeprefix(_LIES_IN))
    if words.startswith(_URGENT):
        return _("urgent word: {word}").format(word=words.removeprefix(_URGENT))
    found = _PREFERS.fullmatch(words)
    if found is None:
        return words
    wrote, total, days, number, unit = found.groups()
    text = _("wrote {n} of {total} here in {days} days").format(n=wrote, total=total, days=days)
    if number:
        span = {"min": _("{n} min"), "h": _("{n} h"), "days": _("{n} days")}[unit].format(n=number)
        text += ", " + _("answers within {span}").format(span=span)
    return text


def assigned_words(why: str) -> str:
    """The rule by which a conversation has its operator, or none, in the operator's language."""
    said = []
    for part in filter(None, why.split("; ")):
        if part in _ASSIGNED:
            said.append(_(_ASSIGNED[part]))
        elif part.startswith("skill "):
            said.append(_("skill {name}").format(name=part.removeprefix("skill ")))
        elif part.startswith("moved by "):
            said.append(_("moved by {name}").format(name=part.removeprefix("moved by ")))
        elif part.startswith("team "):
            said.append(_("handed to {team}").format(team=part.removeprefix("team ")))
        elif part.startswith("language "):
            said.append(_("speaks {language}").format(language=part.removeprefix("language ")))
        else:
            said.append(part)
    return ", ".join(said)
