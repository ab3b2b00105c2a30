"""Words that the server sends in English and operators read all day; the catalogue has them.

What is not here is shown as it came.
"""

from __future__ import annotations

import re

from omni_console.i18n import N_, _
from omni_console.sentences import Sentences

WHOLE = frozenset(
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
        N_("signed by the site"),
        N_("said by itself"),
        N_("continued here"),
        N_("written outside of the console"),
        N_("a colleague said so, and somebody else has shown it"),
        N_("the server stopped while this was being sent"),
        N_("no answer in time"),
        N_("dropped by an operator"),
        N_("restored from a backup: it may have been sent after the backup was made"),
        N_("the code that it carries is over"),
        N_("the channel is not running"),
        N_("this channel has no deliver_url: it only listens"),
        N_("the receiver says that it takes no more webhooks (410)"),
        N_("no mail can go to this address"),
        N_("the address is not ASCII and our mail server has no SMTPUTF8"),
        N_("its certificate is not trusted"),
        N_("its name is not known"),
        N_("the proxy does not let us through"),
        N_("it closed the connection"),
        N_("it was not fetched"),
        N_("it could not be fetched in time"),
        N_("it was given as an address, which is not fetched; send its content as base64"),
        N_("it came without content"),
        N_("its content is not valid base64"),
        N_("it takes too long to parse"),
        N_("parsing it kills the parser"),
        N_("parsing it was cut short"),
        N_("the provider could not deliver it"),
        N_("nothing was checked"),
        N_("not enabled"),
    }
)

# The first that fits is said; what stands in it may be such words again.
HOLED = (
    N_("only {n} MiB free on the disk: nothing new is accepted"),
    N_("new mail is kept and waits: {why}"),
    N_("cut off: {channels}"),
    N_("it lies in {folder}"),
    N_("urgent word: {word}"),
    N_("forwarded from #{n}"),
    N_("suggested by {kinds}"),
    N_("sending pauses: {why}"),
    N_("the channel pauses: {why}"),
    N_("the channel's credentials: {why}"),
    N_("given up after {n} attempts: {why}"),
    N_("not delivered to {whom}"),
    N_("not yet to {whom}"),
    N_("delayed to {whom}"),
    N_("maybe to {whom}"),
    N_("delivered to {whom}"),
    N_("the adapter failed: {what}"),
    N_("the message could not be built: {what}"),
    N_("the mail has {n} bytes, our mail server takes {most}"),
    N_("the mail server refuses the account: {what}"),
    N_("the mail server does not let us send from this address: {what}"),
    N_("no token to log in with: {what}"),
    N_("login refused: {what}"),
    N_("cannot log in: {what}"),
    N_("the receiver answered {status}"),
    N_("the receiver refuses our signature ({status})"),
    N_("the receiver redirects ({status}); redirects are not followed: set deliver_url"),
    N_("api_base redirects ({status}): set it to where the API is"),
    N_("a server in between gave up waiting for {platform}"),
    N_("an answer came that is not {platform}'s"),
    N_("the text arrived; of the files nobody knows: {why}"),
    N_("{platform} does not know this bot ({what}): is the token right?"),
    N_("{platform} may have taken it: {why}"),
    N_("{platform} cannot be reached: {why}"),
    N_("{platform} refuses it: {what}"),
    N_("{platform} asks to wait ({what})"),
    N_("{platform} answers {status}"),
    N_("{platform} did not hand it out in time"),
    N_("{platform} did not hand it out: {what}"),
    N_("{platform} does not hand it out: {what}"),
    N_("{platform} named no place to fetch it from"),
    N_("no connection ({what})"),
    N_("no usable answer ({what})"),
    N_("a file cannot be read: {what}"),
    N_("it could not be fetched ({what})"),
    N_("it is larger than the {size}; ask for it by e-mail"),
    N_("cannot be decoded ({what})"),
    N_("this mail could not be read ({what})"),
    N_("the adapter could not read this item ({what}); it is kept in the journal"),
)

WORDS = Sentences(WHOLE, HOLED)

_KINDS = {
    "email": N_("e-mail"),
    "phone": N_("telephone"),
    "caller": N_("caller id"),
    "name": N_("name"),
    "order": N_("order"),
    "unverified": N_("only claimed"),
}
_PREFERS = re.compile(r"wrote (\d+) of (\d+) here in (\d+) days(?:, answers within (\d+) (min|h|days))?")
_ASSIGNED = {
    "spoke with the customer last": N_("spoke with the customer last"),
    "least in hand": N_("had the least in hand"),
    "operator lost": N_("came back: the operator's console was lost"),
    "operator gone": N_("came back: the operator is not there"),
    "declined": N_("was declined"),
}


def said_by_server(words: str) -> str:
    """`words` in the operator's language where they are known."""
    said = WORDS.said(words, _part)
    if said is None and "; " in words:
        said = "; ".join(said_by_server(one) for one in words.split("; "))
    return said or _preference(words)


def _part(name: str, words: str) -> str:
    if name == "channels":  # that are cut off, with whoever answers for each
        told = words.replace("(yours)", "({})".format(_("yours")))
        return told.replace("(nobody's)", "({})".format(_("nobody's")))
    if name == "kinds":  # of reasons why two cards may be one person
        return ", ".join(_(_KINDS.get(kind, "")) or kind for kind in words.split(", "))
    return said_by_server(words) if name == "why" else words


def _preference(words: str) -> str:
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
