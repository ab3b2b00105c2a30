"""Places where a test makes the server die, stop, wait or fail. Off everywhere else.

    OMNI_TESTING=1 OMNI_FAILPOINTS="outbox.after_send=kill@3;intake.before_commit=sleep:0.5" omni serve

A rule is `name=action` or `name=action@N` (only at the Nth hit; without it at every one). Actions: `kill`
(SIGKILL to ourselves), `stop` (SIGSTOP), `sleep:SECONDS` (blocks the thread that is there), `error` (raises
OSError). A name of `NUMBERS` takes `set:VALUE`. Read once, when `omni serve` starts.
"""

from __future__ import annotations

import difflib
import math
import os
import signal
import threading
import time
from collections.abc import Mapping

import msgspec
import structlog

log = structlog.get_logger(__name__)

RULES_VARIABLE = "OMNI_FAILPOINTS"
TESTING_VARIABLE = "OMNI_TESTING"

# What is durable at each point, and what is not.
POINTS = {
    "intake.begun": "a delivery was handed over by its channel; nothing of it is stored",
    "intake.raw_stored": "its large bytes and files are on the disk; no row names them",
    "intake.before_commit": "its rows are written; the transaction is not committed",
    "intake.after_commit": "it is committed; its sender has no answer yet",
    "parse.begun": "raw items were picked up; the parser was not asked yet",
    "parse.done": "they are parsed; nothing of that is stored",
    "parse.before_commit": "their messages are written; the transaction is not committed",
    "parse.after_commit": "their messages are committed; nobody went on from there",
    "outbox.queued": "a reply and its outbox row are written; the transaction is not committed",
    "outbox.accepted": "what an operator wrote is committed; he has no answer yet",
    "outbox.leased": "the lease is committed; nobody sends yet",
    "outbox.before_send": "the message is built; the channel was not asked to send it",
    "outbox.after_send": "the channel told the result; nothing of it is stored",
    "outbox.before_record": "the result is written; the transaction is not committed",
    "outbox.recorded": "the result is committed; nobody went on from there",
    "later.written": "what leaves later is written; the transaction is not committed",
    "later.taken_back": "what has not left is a draft again; the transaction is not committed",
    "later.leaving": "what is due is in the outbox, or a draft again; the transaction is not committed",
    "silence.before_commit": "announcements or closings are written; the transaction is not committed",
    "silence.after_commit": "they are committed; nobody went on from there",
    "webhook.before_send": "an event is about to be posted to a receiver; it has not heard of it",
    "webhook.after_send": "the receiver acknowledged it; its place in the log is not moved",
    "webhook.noted": "its place is committed; nobody went on from there",
    "hub.committed": "events are committed; nobody was told",
    "hub.published": "events are in the queues of the consoles; the site chats were not woken",
    "store.before_commit": "any group of transactions, right before COMMIT",
    "store.after_commit": "any group of transactions, right after COMMIT",
}
NUMBERS = {
    "outbox.lease_ms": "how long a lease holds, in milliseconds",
    "outbox.backoff": "the waits between tries, as a share of the normal ones",
}
ACTIONS = ("kill", "stop", "sleep", "error")


class FailpointError(Exception):
    """The variable asks for something that there is not; `hint` says what there is."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Rule(msgspec.Struct):
    """`at`: the number of the hit that it is meant for; None: every one."""

    name: str
    action: str
    argument: float = 0.0
    at: int | None = None
    hits: int = 0


_armed: dict[str, Rule] | None = None
_counting = threading.Lock()  # hits come from the event loop and from the writer's thread


def hit(name: str) -> None:
    """Named in `POINTS`; does nothing unless a test armed it. Raises OSError where it did so with `error`."""
    if _armed is not None:
        _act(_armed, name)


def number(name: str, normal: float) -> float:
    """A quantity that tests may change; named in `NUMBERS`."""
    if _armed is not None and name in _armed:
        return _armed[name].argument
    return normal


def arm(environment: Mapping[str, str]) -> None:
    """Read the rules; without the variable nothing is armed. Raises FailpointError."""
    global _armed
    text = environment.get(RULES_VARIABLE, "").strip()
    if not text:
        _armed = None
        return
    if environment.get(TESTING_VARIABLE) != "1":
        raise FailpointError(
            f"{RULES_VARIABLE} is set: it makes the server harm itself, which is for tests only",
            f"unset it; a test sets {TESTING_VARIABLE}=1 as well",
        )
    _armed = {rule.name: rule for rule in read_rules(text)}
    log.warning("FAILPOINTS ARMED: this server harms itself on purpose, for a test", rules=text)


def read_rules(text: str) -> list[Rule]:
    """The rules of a variable. Raises FailpointError."""
    rules: list[Rule] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        rule = _read_rule(part)
        if any(rule.name == other.name for other in rules):
            raise FailpointError(f"{rule.name} is named twice in {RULES_VARIABLE}", "one rule a name")
        rules.append(rule)
    return rules


def _read_rule(text: str) -> Rule:
    name, _, rest = text.partition("=")
    name = name.strip()
    if name not in POINTS and name not in NUMBERS:
        near = difflib.get_close_matches(name, [*POINTS, *NUMBERS], 1, cutoff=0.0)
        raise FailpointError(f"there is no failpoint {name!r}", f"the nearest is {near[0]}")
    rest, at_sign, at_text = rest.strip().partition("@")
    action, colon, argument_text = rest.partition(":")
    wants = "set:VALUE" if name in NUMBERS else "kill, stop, sleep:SECONDS or error, and @N for one hit"
    wrong = FailpointError(f"{text!r} is no rule", f"write {name}= and then {wants}")
    if action not in (("set",) if name in NUMBERS else ACTIONS):
        raise wrong
    if bool(colon) != (action in ("sleep", "set")):
        raise wrong
    try:
        argument = float(argument_text) if colon else 0.0
        at = int(at_text) if at_sign else None
    except ValueError:
        raise wrong from None
    if not math.isfinite(argument) or argument < 0 or (at is not None and at < 1):
        raise wrong
    return Rule(name, action, argument, at)


def _act(armed: dict[str, Rule], name: str) -> None:
    rule = armed.get(name)
    if rule is None:
        return
    with _counting:
        rule.hits += 1
        if rule.at is not None and rule.hits != rule.at:
            return
    log.warning("failpoint", name=name, action=rule.action)
    if rule.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif rule.action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif rule.action == "sleep":
        time.sleep(rule.argument)
    elif rule.action == "error":
        raise OSError(f"a test made {name} fail")
