"""What has not left: replies, first messages, forwards; held for a moment, or scheduled. Taken back, let go,
moved, or overtaken.

Every function is one transaction. Whatever does not leave comes back as its author's draft: words are never
thrown away, and what was begun meanwhile is not written over.
"""

from __future__ import annotations

from msgspec.structs import replace

from server import failpoints, lifecycle
from server.cases import casework, holding, replying, undoing
from server.cases.outreach import HeldError, Rules
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing, Posting
from server.cases.variables import MissingError
from server.protocol import (
    Addressee,
    CloseCommand,
    Draft,
    DraftKind,
    LeaveCommand,
    Message,
    OperatorInfo,
    ReplyCommand,
    Withdrawn,
)
from server.store import (
    conversations,
    messages,
    outbox,
    recipients,
    regroupings,
    scheduled,
    spoken,
    unsaid,
    uploads,
)
from server.store import operators as accounts
from server.store.conversations import NotFoundError
from server.store.scheduled import Scheduled
from server.store.transaction import Snapshot, Transaction

TOO_LATE = "too late: it has left already, or is being sent now"

# Why what is scheduled does not leave; shown to operators, who have its words as a draft.
CUSTOMER_WROTE = "the customer wrote first"
COLLEAGUE_ANSWERED = "a colleague answered meanwhile"
CLOSED = "the conversation was closed"
SPAM = "the conversation is kept apart as spam"
NO_WAY = "the customer cannot be reached that way any more"
WINDOW_OVER = "the channel takes no more messages since its window closed"
SPEAKS_AGAINST = "something speaks against writing to this person now"
NO_MORE = "it cannot be sent any more as it was written"
RESTORED = "the database was restored from a backup: perhaps it left before"


# --- by an operator -------------------------------------------------------------------------------


def reply(
    tx: Transaction,
    conversation_id: int,
    operator: OperatorInfo,
    command: ReplyCommand,
    outgoing: Outgoing,
) -> int:
    """Write a reply, now or for later; what colleagues scheduled there was written before it, and comes back.
    The message id. Raises what `replying.reply` raises."""
    message_id = replying.reply(tx, conversation_id, operator, command, outgoing)
    if command.at is None:
        answered(tx, messages.place_of(tx, message_id).conversation_id, operator.id)
    return message_id


def close(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: CloseCommand) -> None:
    """Close the conversation; what was to be said in it later comes back."""
    casework.close(tx, conversation_id, operator, command)
    ended(tx, conversation_id, CLOSED)


def withdraw(tx: Transaction, message_id: int, operator: OperatorInfo) -> Withdrawn:
    """Take a reply back, if nothing of it can have left. Asked again, the answer is the same.

    Raises RefusedError, NotFoundError.
    """
    message = messages.many(tx, [message_id]).get(message_id)
    if message is None:
        raise NotFoundError("message", message_id)
    if message.author_id is None or message.kind not in ("out", "system"):
        raise RefusedError("this is no reply of an operator", "only those can be taken back")
    _only_author_or_lead(operator, message.author_id)
    if message.status != "withdrawn":
        deed = outbox.deed_of(tx, message_id)
        waits = scheduled.one(tx, message_id)
        if waits is not None:
            scheduled.remove(tx, message_id)
        elif deed is None or not outbox.withdraw(tx, message_id):
            raise RefusedError(TOO_LATE, "write to the customer what is right instead")
        draft = _draft_again(tx, message_id, waits)
        unsaid.unsay(tx, message_id, "withdrawn", "")
        seq = tx.emit(
            "message.withdrawn",
            conversation_id=message.conversation_id,
            customer_id=message.customer_id,
            message_id=message_id,
            operator_id=operator.id,
        )
        if waits is not None:
            _no_longer_waits(tx, waits, operator.id)
        elif deed is not None:
            undoing.reply_undone(tx, message, deed, operator.id)
        regroupings.refresh(tx, message.conversation_id, seq)
        failpoints.hit("later.taken_back")
    else:
        kind = _draft_kind(message)
        draft = accounts.draft(tx, message.author_id, message.conversation_id, kind)
    return Withdrawn(message=messages.many(tx, [message_id])[message_id], draft=draft)


def leave(
    tx: Transaction,
    message_id: int,
    operator: OperatorInfo,
    command: LeaveCommand,
    outgoing: Outgoing,
    rules: Rules,
) -> None:
    """Let what is held or scheduled go now, or a scheduled reply at another time. Raises RefusedError."""
    message = messages.many(tx, [message_id]).get(message_id)
    if message is None:
        raise NotFoundError("message", message_id)
    _only_author_or_lead(operator, message.author_id)
    waits = scheduled.one(tx, message_id)
    if command.at is not None and (waits is None or waits.becomes):
        raise RefusedError("only a scheduled reply has a time", "take it back, and schedule it anew")
    if waits is None:
        if not outbox.let_go(tx, message_id):
            raise RefusedError("it has left already, or waits for no time", "look at the outbox")
        kind = "message.queued"
    elif command.at is None:
        why = _go(tx, waits, outgoing, rules)
        if why:
            raise RefusedError(f"not sent: {why}", "take it back, and write what is right now")
        return
    else:
        conversation = conversations.held(tx, waits.conversation_id)
        way = replying.way_of(tx, conversation, waits.channel_id, waits.address_id, outgoing.offers)
        if way is None:
            raise RefusedError(NO_WAY, "take it back, and choose another way")
        replying.check_time(command.at, tx.now, way)
        scheduled.change(tx, message_id, command.at, command.keep)
        kind = "message.scheduled"
        if conversation.life.state == "snoozed" and conversation.life.snooze_until == waits.due_at:
            life = lifecycle.snooze(conversation.life, waits.author_id, command.at, tx.now)
            conversations.save_life(tx, conversation.id, life, spoken.newest_seq(tx, conversation.id))
    seq = tx.emit(
        kind,
        conversation_id=message.conversation_id,
        customer_id=message.customer_id,
        message_id=message_id,
        operator_id=operator.id,
    )
    conversations.touch(tx, message.conversation_id, seq)


def _only_author_or_lead(operator: OperatorInfo, author_id: int | None) -> None:
    if operator.id != author_id and operator.role not in ("lead", "admin"):
        raise RefusedError("a colleague wrote this", "he or a lead can take it back")


# --- by itself ------------------------------------------------------------------------------------


def leave_due(tx: Transaction, outgoing: Outgoing, rules: Rules) -> int:
    """Send everything scheduled whose time has come, or give it back; how many came due."""
    due = scheduled.come_due(tx, tx.now)
    for one in due:
        why = _go(tx, one, outgoing, rules)
        if why:
            cancel(tx, one, why)
        failpoints.hit("later.leaving")
    return len(due)


def customer_wrote(tx: Transaction, customer_id: int) -> None:
    """Whatever was to be said later was written before this: it comes back, on whatever channel he wrote."""
    for one in scheduled.of_customer(tx, customer_id):
        if not one.keep:
            cancel(tx, one, CUSTOMER_WROTE)


def answered(tx: Transaction, conversation_id: int, operator_id: int | None) -> None:
    """Somebody wrote to the customer (`operator_id` None: outside of the console)."""
    for one in scheduled.of_conversation(tx, conversation_id):
        if one.author_id != operator_id:
            cancel(tx, one, COLLEAGUE_ANSWERED)


def ended(tx: Transaction, conversation_id: int, why: str) -> None:
    """The conversation is over, one way or another: nothing more is said in it by itself."""
    for one in scheduled.of_conversation(tx, conversation_id):
        cancel(tx, one, why)


def give_back_all(tx: Transaction, why: str) -> int:
    everything = scheduled.everything(tx)
    for one in everything:
        cancel(tx, one, why)
    return len(everything)


def cancel(tx: Transaction, one: Scheduled, why: str) -> None:
    """It does not leave: its words are a draft again, and a line in the history says why."""
    scheduled.remove(tx, one.message_id)
    _draft_again(tx, one.message_id, one)
    unsaid.place_now(tx, one.message_id)
    unsaid.unsay(tx, one.message_id, "cancelled", why)
    seq = tx.emit(
        "message.withdrawn",
        conversation_id=one.conversation_id,
        customer_id=one.customer_id,
        message_id=one.message_id,
        data={"why": why},
    )
    _no_longer_waits(tx, one, None)
    conversations.touch(tx, one.conversation_id, seq)


# --- inside ---------------------------------------------------------------------------------------


def _go(tx: Transaction, one: Scheduled, outgoing: Outgoing, rules: Rules) -> str:
    """It leaves; or why it must not, and nothing is done."""
    if one.becomes:
        try:
            holding.leave(tx, one, _author(tx, one), outgoing, rules)
        except HeldError:
            return SPEAKS_AGAINST
        except (RefusedError, MissingError, NotFoundError):
            return NO_MORE
        return ""
    why = _obstacle(tx, one, outgoing)
    if not why:
        _say(tx, one)
    return why


def _author(tx: Snapshot, one: Scheduled) -> OperatorInfo:
    author = accounts.by_id(tx, one.author_id)
    assert author is not None  # noqa: S101 - for the type checker: no account is ever deleted
    return author


def _obstacle(tx: Transaction, one: Scheduled, outgoing: Outgoing) -> str:
    """Why it must not leave, or ""."""
    conversation = conversations.held(tx, one.conversation_id)
    if conversation.spam:
        return SPAM
    if conversation.life.state == "closed":
        return CLOSED
    way = replying.way_of(tx, conversation, one.channel_id, one.address_id, outgoing.offers)
    if way is None:
        return NO_WAY
    if way.shown.window_until is not None and way.shown.window_until <= tx.now:
        return WINDOW_OVER
    if spoken.news_since(tx, conversation.id, one.seq, one.author_id, customer_too=False):
        return COLLEAGUE_ANSWERED
    if not one.keep and spoken.news_since(tx, conversation.id, one.seq, one.author_id, customer_too=True):
        return CUSTOMER_WROTE
    return ""


def _say(tx: Transaction, one: Scheduled) -> None:
    """It leaves now, and is said from now on."""
    scheduled.remove(tx, one.message_id)
    conversation = conversations.held(tx, one.conversation_id)
    seq = tx.emit(
        "message.queued",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        message_id=one.message_id,
        operator_id=one.author_id,
        data={"channel": one.channel_id, "scheduled": True},
    )
    unsaid.say(tx, one.message_id, seq)
    message = messages.many(tx, [one.message_id])[one.message_id]
    replying.queue(
        tx,
        conversation,
        _author(tx, one),
        Posting(
            one.message_id,
            seq,
            one.thread,
            one.channel_id,
            replying.own_words(message),
            len(message.files),
        ),
    )


def _draft_kind(message: Message) -> DraftKind:
    beyond: dict[str, DraftKind] = {"first": "first", "forward": "forward"}
    return beyond.get(message.detail.get("becomes", ""), "reply")


def _draft_again(tx: Transaction, message_id: int, waits: Scheduled | None) -> Draft:
    if waits is not None and waits.becomes:
        return holding.back_to_draft(tx, waits)
    return _back_to_draft(tx, message_id)


def _back_to_draft(tx: Transaction, message_id: int) -> Draft:
    """The words of a reply, before whatever its author has begun to write there since."""
    message = messages.many(tx, [message_id])[message_id]
    author_id = message.author_id
    assert author_id is not None  # noqa: S101 - for the type checker: operators alone write replies
    begun = accounts.draft(tx, author_id, message.conversation_id, "reply")
    named: dict[str, list[Addressee]] = {"to": [], "cc": [], "bcc": []}
    for one in recipients.of_message(tx, message_id):
        if one.role in named:
            named[one.role].append(Addressee(address=one.address, name=one.name))
    own = messages.address_of(tx, message_id)
    if [one.address for one in named["to"]] == [own] and not named["cc"] and not named["bcc"]:
        named["to"] = []  # the customer alone: as it is without saying so
    draft = replace(
        begun,
        text="\n\n".join(filter(None, (replying.own_words(message), begun.text))),
        channel_id=message.channel_id,
        address_id=message.address_id,
        to=named["to"],
        cc=named["cc"],
        bcc=named["bcc"],
        files=[*uploads.of_message(tx, author_id, message.conversation_id, message_id), *begun.files],
    )
    return accounts.save_draft(tx, author_id, draft)


def _no_longer_waits(tx: Transaction, one: Scheduled, operator_id: int | None) -> None:
    """The conversation slept until its scheduled reply: it is awake."""
    conversation = conversations.held(tx, one.conversation_id)
    if conversation.life.state != "snoozed" or conversation.life.snooze_until != one.due_at:
        return
    life = lifecycle.wake(conversation.life, tx.now)
    seq = tx.emit(
        "conversation.state",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        operator_id=operator_id,
        data={"from": "snoozed", "to": life.state},
    )
    conversations.save_life(tx, conversation.id, life, seq)
