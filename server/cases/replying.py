"""Replies of operators: by which way, to whom, when. Transaction functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from server import failpoints, lifecycle
from server.cases import quoting
from server.cases.addressing import AddressingError, addressed, everybody_else
from server.cases.casework import keep_closing, no_spam, save_assignee, save_state
from server.cases.refused import RefusedError
from server.cases.variables import MissingError, still_open, variables
from server.cases.ways import WROTE_LAST, ChannelOffer, Way, ways
from server.protocol import (
    Addressee,
    Message,
    MessageKind,
    OperatorInfo,
    Recipient,
    ReplyCommand,
)
from server.protocol.quotes import quotes_by_hand
from server.signing import measured
from server.store import (
    card,
    cases,
    conversations,
    customers,
    deeds,
    messages,
    outbox,
    recipients,
    scheduled,
    spoken,
    templates,
    uploads,
)
from server.store import files as attachments
from server.store.conversations import Held
from server.store.deeds import Deed
from server.store.files import NewFile
from server.store.messages import NewMessage
from server.store.threads import Said
from server.store.transaction import Snapshot, Transaction

WINDOW_MARGIN_MS = 30_000  # so long before a channel's window closes a reply must be on its way
SCHEDULE_MAX_MS = 366 * 86_400_000


class StaleError(Exception):
    """Held, not sent: `news` came to the conversation after what the writer had seen."""

    def __init__(self, news: list[int], seq: int) -> None:
        super().__init__("something new came in while you were writing")
        self.news = news
        self.seq = seq


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """What casework must know of the channels; the names of messages are made by the channel itself."""

    offers: dict[str, ChannelOffer]
    name_message: Callable[[str, int, int], str | None]  # (channel id, conversation id, message id)
    # (channel id, token) -> a link that leads to the channel; None: there is none
    continue_link: Callable[[str, str], str | None] = lambda channel_id, token: None
    confirm_link: Callable[[str], str] = lambda token: ""  # of the public page that confirms an address
    # (channel id, address as typed) -> its canonical form; raises ChannelError
    check_address: Callable[[str, str], str] = lambda channel_id, address: address
    # What the server says by itself: in which language, and at which hour on a channel that keeps hours,
    # where the customer's own are unknown.
    language: str = "en"
    zone_of: Callable[[str], ZoneInfo | None] = lambda channel_id: None

    @property
    def own_addresses(self) -> frozenset[str]:
        """Of all channels: nobody writes to himself."""
        return frozenset[str]().union(*(offer.own_addresses for offer in self.offers.values()))


def ways_to(
    tx: Snapshot, customer_id: int, conversation_id: int, offers: dict[str, ChannelOffer]
) -> list[Way]:
    last = spoken.last_inbound(tx, conversation_id, customer_id)
    reachable = customers.reachable(tx, customer_id)
    found = ways(reachable, offers, last, tx.now)
    if sum(1 for way in found if way.shown.why != WROTE_LAST) > 1:
        preferred = card.preferred_channel(tx, customer_id, {one.id: one.title for one in offers.values()})
        found = ways(reachable, offers, last, tx.now, preferred)
    own = frozenset[str]().union(*(offer.own_addresses for offer in offers.values()))
    for way in found:
        way.shown.quotes = _answered(tx, conversation_id, way, offers) is not None
        most = offers[way.shown.channel_id].capabilities.recipients_max
        if most > 1:
            latest = recipients.others_of_latest(tx, conversation_id, way.shown.channel_id)
            way.shown.recipients_max = most
            way.shown.others = everybody_else(latest, way.external_id, own)
            way.shown.known = list(_known(tx, conversation_id, way).values())
    return found


def _answered(
    tx: Snapshot, conversation_id: int, way: Way, offers: Mapping[str, ChannelOffer]
) -> Said | None:
    """What a reply by this way answers and quotes."""
    channel_id = way.shown.channel_id
    return quoting.quotable(tx, conversation_id, channel_id, way.external_id, offers[channel_id].quote_max)


def _quotation(
    tx: Snapshot, conversation: Held, command: ReplyCommand, way: Way, outgoing: Outgoing
) -> Mapping[str, str]:
    """What the reply remembers of what it quotes; empty where it quotes nothing."""
    said = None if quotes_by_hand(command.text) else _answered(tx, conversation.id, way, outgoing.offers)
    if said is None:
        return {}
    most = outgoing.offers[command.channel_id].quote_max
    zone = outgoing.zone_of(command.channel_id)
    return quoting.chosen(tx, conversation, said, most, outgoing.language, zone)


def _known(tx: Snapshot, conversation_id: int, way: Way) -> dict[str, Addressee]:
    """Who takes part, and the address of the way itself."""
    known = recipients.known(tx, conversation_id, way.shown.channel_id)
    known.setdefault(way.external_id, Addressee(address=way.external_id))
    return known


def _recipients(
    tx: Snapshot, conversation: Held, command: ReplyCommand, way: Way, outgoing: Outgoing
) -> list[Recipient]:
    """Whom the reply goes to; none for channels that know no such thing. Raises RefusedError."""
    most = outgoing.offers[command.channel_id].capabilities.recipients_max
    wanted = {"to": command.to, "cc": command.cc, "bcc": command.bcc}
    if most < 2:
        if any(wanted.values()):
            raise RefusedError("this channel has one recipient", "leave To, Cc and Bcc empty")
        return []
    if not command.to:
        wanted["to"] = [Addressee(address=way.external_id)]
    known = _known(tx, conversation.id, way)
    try:
        found = addressed(
            wanted,
            known=known,
            own=outgoing.own_addresses,
            most=most,
            check=lambda address: outgoing.check_address(command.channel_id, address),
        )
    except AddressingError as error:
        raise RefusedError(str(error), error.hint) from error
    his = {way.external_id, *recipients.reply_addresses(tx, conversation.id, command.channel_id)}
    if not his & {one.address for one in found}:
        raise RefusedError(
            "the customer himself is not among the recipients", "add him, or forward the message instead"
        )
    return found


def forwarded_already(tx: Transaction, operator: OperatorInfo, client_id: str) -> int | None:
    """The forward that this operator wrote under this id. Raises RefusedError where it was something else."""
    if not client_id.strip():
        raise RefusedError("client_id is empty", "make one for every message")
    known = messages.sent_client_id(tx, operator.id, client_id)
    if known is None:
        return None
    if "forwarded" not in messages.many(tx, [known.id])[known.id].detail:
        raise RefusedError("this client_id was used for another message", "make one for every message")
    return known.id


def written_already(
    tx: Transaction, operator: OperatorInfo, client_id: str, conversation_id: int, kind: MessageKind
) -> int | None:
    """The message this operator already wrote under this id. Raises RefusedError where it is another one:
    to take a new text for an old one would lose it in silence."""
    if not client_id.strip():
        raise RefusedError("client_id is empty", "make one for every message")
    known = messages.sent_client_id(tx, operator.id, client_id)
    if known is None:
        return None
    # One that has not left yet, or was taken back, is "system": the same client id is the same reply still.
    kinds = (kind, "system") if kind == "out" else (kind,)
    if known.conversation_id != conversation_id or known.kind not in kinds:
        raise RefusedError("this client_id was used for another message", "make one for every message")
    return known.id


def reply(
    tx: Transaction,
    conversation_id: int,
    operator: OperatorInfo,
    command: ReplyCommand,
    outgoing: Outgoing,
) -> int:
    """Write a reply: message, outbox row and event; the message id.

    The same client id gives the same message again. Raises StaleError, RefusedError, MissingError,
    NotFoundError.
    """
    known = written_already(tx, operator, command.client_id, conversation_id, "out")
    if known is not None:
        return known
    conversation = conversations.held(tx, conversation_id)
    no_spam(conversation)
    offer = outgoing.offers.get(command.channel_id)
    if offer is None:
        raise RefusedError("this channel is not configured (any more)", "answer on another channel")
    way, best = _way_chosen(tx, conversation, command, outgoing.offers)
    to = _recipients(tx, conversation, command, way, outgoing)
    check_text(command.text, len(command.file_ids) + len(command.upload_ids), offer)
    check_filled(tx, command.text, command.subject or "")
    files = attachments.by_id(tx, command.file_ids, conversation.customer_id)
    if len(files) != len(command.file_ids):
        raise RefusedError("a file to send is not in this customer's history", "choose the files again")
    put_up = uploads.chosen(tx, operator.id, conversation.id, command.upload_ids)
    if len(put_up) != len(command.upload_ids):
        raise RefusedError("a file to send was not put up here, or too long ago", "attach it again")
    files += put_up
    _check_size(files, offer)
    holds = offer.capabilities.holds_on_customer_message
    news = spoken.news_since(tx, conversation_id, command.after_seq, operator.id, holds)
    if news:
        raise StaleError(news, spoken.newest_seq(tx, conversation_id))

    later = command.at is not None
    if command.at is not None:
        check_time(command.at, tx.now, way)
        if conversation.life.state == "closed":
            raise RefusedError("the conversation is closed", "reopen it, or answer now")
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.scheduled" if later else "message.queued",
        NewMessage(
            kind="system" if later else "out",
            event_kind="scheduled" if later else "message",
            channel_id=offer.id,
            thread=way.thread,
            address_id=command.address_id,
            operator_id=operator.id,
            text=command.text,
            subject=command.subject or (conversation.subject if offer.capabilities.subject else None),
            status="scheduled" if later else "queued",
            at=tx.now,
            client_id=command.client_id,
            files=tuple(files),
            detail={**_quotation(tx, conversation, command, way, outgoing), **_chosen_instead(way, best)},
        ),
        data={"channel": offer.id} | ({} if way is best else {"instead_of": best.shown.channel_id}),
        name=lambda message_id: outgoing.name_message(offer.id, conversation.id, message_id),
    )
    uploads.used(tx, command.upload_ids)
    recipients.add(tx, posted.id, to)
    if command.at is not None:
        scheduled.add(tx, posted.id, offer.id, way.thread, command.at, keep=command.keep)
        _sleep_until(tx, conversation, operator, command.at, posted.seq)
        failpoints.hit("later.written")
        return posted.id
    hold_ms = offer.hold_ms if command.hold else 0
    leaves_at = end_of_hold(tx.now, hold_ms, way.shown.window_until)
    queue(
        tx,
        conversation,
        operator,
        Posting(posted.id, posted.seq, way.thread, offer.id, command.text, len(files)),
        leaves_at=leaves_at,
    )
    return posted.id


def end_of_hold(now: int, hold_ms: int, window_until: int | None) -> int:
    """When a reply leaves: after its hold, and surely before the channel's window closes. Pure."""
    if window_until is None:
        return now + hold_ms
    return max(now, min(now + hold_ms, window_until - WINDOW_MARGIN_MS))


def check_time(at: int, now: int, way: Way) -> None:
    """Raises RefusedError where nothing can be sent by this way then."""
    if at <= now:
        raise RefusedError("that time is over", "give a later one, or send it now")
    if at - now > SCHEDULE_MAX_MS:
        raise RefusedError("that is more than a year away", "give an earlier time")
    until = way.shown.window_until
    if until is not None and at >= until - WINDOW_MARGIN_MS:
        raise RefusedError(
            f"{way.shown.channel_title} takes messages only until its window closes, before that time",
            "give an earlier time, or choose another way",
        )


def _sleep_until(tx: Transaction, conversation: Held, operator: OperatorInfo, at: int, seq: int) -> None:
    """What waits for us sleeps until its answer leaves, or until the customer writes."""
    if conversation.life.state == "open":
        life = lifecycle.snooze(conversation.life, operator.id, at, tx.now)
        save_state(tx, conversation, life, operator, "snoozed")
    else:
        conversations.touch(tx, conversation.id, seq)


def own_words(message: Message) -> str:
    """What its author wrote of a reply: without what it quotes below. Pure."""
    at = message.detail.get("quote_at")
    return message.text if at is None else message.text[: int(at)].rstrip("\n")


class Posting(msgspec.Struct, frozen=True):
    """A reply that is written down and not in the outbox yet. `text`: of its author's own."""

    message_id: int
    seq: int
    thread: str
    channel_id: str
    text: str
    files: int


def queue(
    tx: Transaction,
    conversation: Held,
    author: OperatorInfo,
    posting: Posting,
    *,
    leaves_at: int | None = None,
) -> None:
    """A written reply goes to the outbox, and the conversation is answered."""
    before = deeds.condition(tx, conversation.id)
    life = lifecycle.replied(conversation.life, author.id, tx.now)
    if conversation.life.state == "closed":
        keep_closing(tx, conversation)
    if life.assignee_id != conversation.life.assignee_id:
        save_assignee(tx, conversation, life, author, "replied")
    if life.state != conversation.life.state:
        save_state(tx, conversation, life, author, "replied")
    cases.acted(tx, conversation.id, "replied", author.id)
    conversations.note_message(
        tx,
        conversation,
        life,
        seq=posting.seq,
        kind="out",
        text=posting.text,
        files=posting.files,
        channel_id=posting.channel_id,
        subject=None,
        from_customer=False,
        to_customer=True,
    )
    after = deeds.condition(tx, conversation.id)
    deed = Deed(conversation_id=conversation.id, operator_id=author.id, before=before, after=after)
    outbox.enqueue(tx, posting.message_id, posting.channel_id, posting.thread, leaves_at=leaves_at, deed=deed)


def _way_chosen(
    tx: Transaction, conversation: Held, command: ReplyCommand, offers: dict[str, ChannelOffer]
) -> tuple[Way, Way]:
    """The way of the command, and the one that the rule would have taken. It must be one of this customer's
    own: nothing goes to the wrong person."""
    found = ways_to(tx, conversation.customer_id, conversation.id, offers)
    for way in found:
        if (way.shown.channel_id, way.shown.address_id) == (command.channel_id, command.address_id):
            check_window(way, tx.now)
            return way, found[0]
    raise RefusedError(
        "this customer cannot be reached that way", "choose one of the ways shown beside the composer"
    )


def _chosen_instead(way: Way, best: Way) -> dict[str, str]:
    """What the history remembers of an operator's own choice."""
    return {} if way is best else {"instead_of": best.shown.channel_title}


def way_of(
    tx: Snapshot,
    conversation: Held,
    channel_id: str,
    address_id: int | None,
    offers: dict[str, ChannelOffer],
) -> Way | None:
    """That way to this conversation's customer, if it is one of his own now."""
    for way in ways_to(tx, conversation.customer_id, conversation.id, offers):
        if (way.shown.channel_id, way.shown.address_id) == (channel_id, address_id):
            return way
    return None


def check_window(way: Way, now: int) -> None:
    """Raises RefusedError where the channel does not let us write now: it would be lost, or refused."""
    until = way.shown.window_until
    if until is not None and until <= now:
        raise RefusedError(
            f"{way.shown.channel_title} takes no more messages since its window closed",
            "the customer opens it by writing there; until then answer another way",
        )


def _check_size(files: Sequence[NewFile], offer: ChannelOffer) -> None:
    whole, most = sum(file.size for file in files), offer.capabilities.file_bytes_max
    if most and whole > most:
        raise RefusedError(f"the files have {whole} bytes, {offer.title} takes {most}", "send fewer files")


def check_text(text: str, files: int, offer: ChannelOffer) -> None:
    """Raises RefusedError where the channel cannot carry this."""
    if not text.strip() and not files:
        raise RefusedError("there is nothing to send", "write something first")
    length = measured(text, offer.capabilities)
    if length > offer.text_max:
        raise RefusedError(
            f"the text is too long for {offer.title}: {length} of {offer.text_max}",
            "shorten it, or send it in two messages",
        )
    if files > offer.capabilities.files_max:
        raise RefusedError(
            f"{offer.title} takes {offer.capabilities.files_max} files in a message", "send fewer files"
        )


def check_filled(tx: Snapshot, *texts: str) -> None:
    """Raises MissingError where a variable still stands in words that a customer would get."""
    if any(variables(text) for text in texts):
        in_use = templates.variables_in_use(tx)
        missing = list(dict.fromkeys(name for text in texts for name in still_open(text, in_use)))
        if missing:
            raise MissingError(missing)
