"""What the server says when it says no, in the operator's language.

A sentence that is known is said as it is; anything else is said by its code, which tells at least what kind
of no it is. In English the server's own words are the best there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from omni_console.i18n import N_, _, is_english
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

# Sentences and hints that operators meet.
KNOWN = frozenset(
    {
        N_("a colleague did this"),
        N_("do what is right now"),
        N_("it changed nothing, or is longer ago than a day"),
        N_("it was moved since"),
        N_("take it over, or ask him"),
        N_("the conversation is not snoozed"),
        N_("the customer wrote meanwhile"),
        N_("there is nothing to take back"),
        N_("wake it"),
        N_("whoever has it has begun"),
        N_("it can be answered as it is"),
        N_("too late: it has left already, or is being sent now"),
        N_("write to the customer what is right instead"),
        N_("a colleague wrote this"),
        N_("he or a lead can take it back"),
        N_("that time is over"),
        N_("give a later one, or send it now"),
        N_("reopen it, or answer now"),
        N_("a code is six digits from 0 to 9"),
        N_("a file to send was not put up here, or too long ago"),
        N_("a forward needs somebody to go to"),
        N_("a hand-over needs a note"),
        N_("a message to split off is not in this conversation"),
        N_("a promise has no such time"),
        N_("a reply to this person is being sent"),
        N_("another card has this address, verified"),
        N_("answer first"),
        N_("answer on another channel"),
        N_("ask an administrator"),
        N_("attach it again"),
        N_("bring their cards together first"),
        N_("choose a verified address on a channel where he wrote before, or that lets us begin"),
        N_("choose an address to which we may write first"),
        N_("choose an e-mail channel"),
        N_("choose another"),
        N_("choose another channel"),
        N_("choose another one"),
        N_("choose one of the ways shown beside the composer"),
        N_("closing needs a topic and a result"),
        N_("give a later time"),
        N_("give it back to the queue instead"),
        N_("hand it on, or give it back to the queue"),
        N_("hand it to somebody who is, or give it back"),
        N_("hand it to somebody who may"),
        N_("it was not handed to you"),
        N_("look at the conversation as it is"),
        N_("look at the inbox again"),
        N_("messages cannot be forwarded by this channel"),
        N_("messages came from this address"),
        N_("nothing is sent to this address"),
        N_("nothing would be left of this conversation"),
        N_("one of the conversations is closed"),
        N_("one of the two was split or joined again since"),
        N_("only what was merely claimed can be taken off a card"),
        N_("remove some first"),
        N_("reopen it first"),
        N_("reopen it to change topic or result"),
        N_("say that it is no spam first"),
        N_("send another one"),
        N_("send fewer files"),
        N_("send the same again later"),
        N_("shorten it, or send it in two messages"),
        N_("somebody was faster"),
        N_("take back what was done last, first"),
        N_("that time is none, or has not come yet"),
        N_("the conversation is already closed"),
        N_("the conversation is another customer's"),
        N_("the conversation is closed"),
        N_("the conversation is not closed"),
        N_("the conversations are of different people"),
        N_("the customer himself is not among the recipients"),
        N_("the customer is not who is waited for"),
        N_("the customer opens it by writing there; until then answer another way"),
        N_("the disk is full: nothing can be written"),
        N_("the disk is nearly full"),
        N_("the name is empty"),
        N_("the note is empty"),
        N_("the server has a defect"),
        N_("the server is stopping"),
        N_("the time to decline it is over"),
        N_("the time to wake is in the past"),
        N_("the two are one card"),
        N_("there is no other way on which this customer can be sent a link"),
        N_("there is nothing to send"),
        N_("this address is verified"),
        N_("this channel has one recipient"),
        N_("this channel is not configured (any more)"),
        N_("this conversation is kept apart as spam"),
        N_("this customer cannot be reached that way"),
        N_("this is no address of this customer"),
        N_("this is one card already"),
        N_("this is one conversation already"),
        N_("this merge was taken back already"),
        N_("this person cannot be written to first that way"),
        N_("this was taken back already"),
        N_("try again after the restart"),
        N_("try again in a minute"),
        N_("wait a while"),
        N_("write something first"),
        N_("write YYYY-MM-DD"),
        N_("write https://…"),
        N_("write it with its country: +7 916 123-45-67"),
        N_("write yes or no"),
    }
)

# With a name or a number in them: what is found goes into the sentence.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"the text is too long for (?P<channel>.*): (?P<n>\d+) of (?P<most>\d+)"),
        N_("the text is too long for {channel}: {n} of {most}"),
    ),
    (
        re.compile(r"(?P<channel>.*) takes (?P<n>\d+) files in a message"),
        N_("{channel} takes no more than {n} files in a message"),
    ),
    (
        re.compile(r"(?P<channel>.*) takes no more messages since its window closed"),
        N_("{channel} takes no more messages: its window is closed"),
    ),
    (
        re.compile(r"(?P<channel>.*) shows who he is, until (?P<day>\d{4}-\d\d-\d\d)"),
        N_("{channel} shows who he is, until {day}"),
    ),
    (re.compile(r"(?P<name>.*) may not answer customers"), N_("{name} may not answer customers")),
    (
        re.compile(r"(?P<name>.*) did something there meanwhile"),
        N_("{name} did something there meanwhile"),
    ),
    (re.compile(r"(?P<name>.*) is not there"), N_("{name} is not there")),
    (re.compile(r"(?P<name>.*) has this conversation"), N_("{name} has this conversation")),
    (re.compile(r"the role (?P<name>.*) may not do this"), N_("the role {name} may not do this")),
    (re.compile(r"in (?P<channel>.*) we can only answer"), N_("in {channel} we can only answer")),
    (re.compile(r"'(?P<text>.*)' is not a telephone number"), N_("{text} is not a telephone number")),
    (re.compile(r"'(?P<text>.*)' is not an e-mail address"), N_("{text} is not an e-mail address")),
    (re.compile(r"a conversation has at most (?P<n>\d+) tags"), N_("a conversation has at most {n} tags")),
    (re.compile(r"(?P<n>\d+) recipients are too many.*"), N_("{n} recipients are too many")),
    (re.compile(r"(?P<address>.*) is our own address"), N_("{address} is our own address")),
    (re.compile(r"(?P<address>.*) is barred as spam"), N_("{address} is barred as spam")),
    (
        re.compile(r"(?P<name>.*) wrote on (?P<day>\d{4}-\d\d-\d\d) by (?P<channel>.*)"),
        N_("{name}, {day}, by {channel}"),
    ),
    (
        re.compile(r"refused (?P<purpose>\S+) by all channels on (?P<day>\d{4}-\d\d-\d\d)"),
        N_("refused {purpose} on every channel, {day}"),
    ),
    (
        re.compile(r"refused (?P<purpose>\S+) by (?P<scheme>.*) on (?P<day>\d{4}-\d\d-\d\d)"),
        N_("refused {purpose} by {scheme}, {day}"),
    ),
    (
        re.compile(
            r"#(?P<n>\d+) is (?P<state>\w+), with (?P<name>.*?), "
            r"last word (?P<day>\d{4}-\d\d-\d\d)(?P<more>.*)"
        ),
        N_("#{n}, {state}, with {name}, last word {day}{more}"),
    ),
)
_WORDS: Mapping[str, str] = {
    "open": N_("open"),
    "waiting": N_("waiting"),
    "snoozed": N_("put off"),
    "closed": N_("closed"),
    "nobody yet": N_("nobody yet"),
    "a colleague": N_("a colleague"),
    "marketing": N_("marketing"),
}


def known(sentence: str) -> str | None:
    """In the operator's language, or None where nobody put it into words."""
    if sentence in KNOWN:
        return _(sentence)
    for pattern, text in _PATTERNS:
        found = pattern.fullmatch(sentence)
        if found is not None:
            parts = {name: _(_WORDS.get(part, "")) or part for name, part in found.groupdict().items()}
            if "day" in parts:
                parts["day"] = iso_day(parts["day"])
            return _(text).format(**parts)
    return None


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
    text = obstacle.text if is_english() else known(obstacle.text) or obstacle.text
    return f"{kind}: {text}" if text else kind
