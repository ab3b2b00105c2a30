"""An operator asks a person to show who he is: a code goes out, or a link. Inside `fn(tx)` only.

What comes back is the matter of `proving`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from server import wording
from server.cases.case import knowing
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing, ways_to
from server.cases.ways import ChannelOffer
from server.people import codes
from server.people.codes import DIGITS_MS, MASK, SENT_MAX, SENT_MS, TRIES, CodeRules
from server.protocol import CodeCommand, CodeMade, OperatorInfo
from server.store import codes as stored
from server.store import conversations, customers, messages, outbox, spoken
from server.store.conversations import Held
from server.store.customers import Place
from server.store.messages import NewMessage
from server.store.transaction import Transaction


class KnownError(RefusedError):
    """A channel shows who he is: nobody asks him again."""


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """How the message that carries a code goes out."""

    offer: ChannelOffer
    thread: str
    address_id: int
    text: str
    subject: str | None


def ask(
    tx: Transaction,
    conversation_id: int,
    operator: OperatorInfo,
    command: CodeCommand,
    outgoing: Outgoing,
    rules: CodeRules,
    nonce: bytes,
) -> CodeMade:
    """Make a code and send it as the command says. The same client id gives the same code again.

    Raises KnownError, RefusedError, NotFoundError.
    """
    conversation = conversations.held(tx, conversation_id)
    if command.send:
        if not command.client_id.strip():
            raise RefusedError("client_id is empty", "make one for every code")
        known = messages.sent_client_id(tx, operator.id, command.client_id)
        if known is not None:
            return _made_already(tx, known.id, conversation.id)
    offer = outgoing.offers.get(command.channel_id)
    if offer is None:
        raise RefusedError("this channel is not configured (any more)", "choose another one")
    secret = codes.secret(rules.key, command.kind, nonce)
    url = ""
    address: Place | None = None
    carrier: Carrier | None
    if command.kind == "digits":
        if not command.again:
            _not_who_is_known(tx, conversation, outgoing)
        address = _address(tx, conversation, command, offer)
        _not_where_he_writes(tx, conversation, address)
        values: dict[str, object] = {"code": MASK, "site": rules.site_name, "minutes": DIGITS_MS // 60_000}
        carrier = _carrier(tx, conversation, offer, address, rules, "code", "code_subject", values)
    else:
        followed = outgoing.continue_link(offer.id, secret) if offer.capabilities.continue_links else None
        minutes = rules.link_ms // 60_000
        if followed is not None:
            url = followed
            values = {"title": offer.title, "url": codes.masked(url, secret), "minutes": minutes}
            text = wording.say(rules.language, "link", **values)
            carrier = _along(tx, conversation, offer, outgoing, text) if command.send else None
        elif offer.capabilities.start_by_us and command.address_id is not None:
            if not command.send:
                raise RefusedError(
                    "who gets this link otherwise than by that address proves nothing", "let it be sent"
                )
            address = _address(tx, conversation, command, offer)
            shown = codes.masked(outgoing.confirm_link(secret), secret)
            values = {"site": rules.site_name, "url": shown, "minutes": minutes}
            carrier = _carrier(tx, conversation, offer, address, rules, "confirm", "confirm_subject", values)
        else:
            raise RefusedError(
                f"no link leads to {offer.title}",
                "where we may write first, name the address that he gave; otherwise let him write there",
            )
    if carrier is not None:
        _not_too_often(tx, conversation, address)
    lasts = DIGITS_MS if command.kind == "digits" else rules.link_ms
    code_id = stored.add(
        tx,
        kind=command.kind,
        digest=codes.digest(rules.key, command.kind, nonce, secret),
        nonce=nonce,
        customer_id=conversation.customer_id,
        conversation_id=conversation.id,
        channel_id=offer.id,
        address_id=address.id if address is not None else None,
        operator_id=operator.id,
        expires_at=tx.now + lasts,
        tries=TRIES,
    )
    message_id = None
    if carrier is not None:
        message_id = _send(tx, conversation, operator, command.client_id, carrier, outgoing)
        stored.carried_by(tx, code_id, message_id)
    tx.emit(
        "identity.code_sent",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        message_id=message_id,
        operator_id=operator.id,
        data={"code": code_id, "kind": command.kind, "channel": offer.id},
    )
    return CodeMade(
        id=code_id,
        kind=command.kind,
        expires_at=tx.now + lasts,
        message_id=message_id,
        url="" if command.send else url,
    )


def _made_already(tx: Transaction, message_id: int, conversation_id: int) -> CodeMade:
    code = stored.of_message(tx, message_id)
    if code is None or conversations.held(tx, code.conversation_id).id != conversation_id:
        raise RefusedError("this client_id was used for another message", "make one for every code")
    return CodeMade(id=code.id, kind=code.kind, expires_at=code.expires_at, message_id=message_id)


def _address(tx: Transaction, conversation: Held, command: CodeCommand, offer: ChannelOffer) -> Place:
    """The address to send to: this customer's own, or what he claims. Raises RefusedError."""
    address = customers.place(tx, command.address_id) if command.address_id is not None else None
    if address is None or address.customer_id != conversation.customer_id:
        raise RefusedError(
            "this is no address of this customer", "choose one of his, or note the one that he gave"
        )
    if (address.scheme, address.account) != (offer.scheme, offer.account):
        raise RefusedError(f"{offer.title} does not reach this address", "choose another channel")
    if address.blocked or address.barred:
        raise RefusedError("nothing is sent to this address", "choose another one")
    return address


def _not_who_is_known(tx: Transaction, conversation: Held, outgoing: Outgoing) -> None:
    ways = ways_to(tx, conversation.customer_id, conversation.id, outgoing.offers)
    way = knowing(found.shown for found in ways)
    if way is not None and (way.known_until or 0) > tx.now:
        day = datetime.fromtimestamp((way.known_until or 0) / 1000, UTC).date().isoformat()
        raise KnownError(
            f"{way.channel_title} shows who he is, until {day}",
            "if he must be asked all the same, say `again`",
        )


def _not_where_he_writes(tx: Transaction, conversation: Held, address: Place) -> None:
    last = spoken.last_inbound(tx, conversation.id, conversation.customer_id)
    if last.address_id is not None:
        writing = customers.place(tx, last.address_id)
        if writing is not None and (writing.scheme, writing.account, writing.external_id) == (
            address.scheme,
            address.account,
            address.external_id,
        ):
            raise RefusedError("he writes from this very address", "send the code to another one of his")


def _carrier(
    tx: Transaction,
    conversation: Held,
    offer: ChannelOffer,
    address: Place,
    rules: CodeRules,
    phrase: Literal["code", "confirm"],
    subject: Literal["code_subject", "confirm_subject"],
    values: dict[str, object],
) -> Carrier:
    """To an address that is perhaps only claimed. Raises RefusedError."""
    thread = next(
        (
            one.thread
            for one in ways_to(tx, conversation.customer_id, conversation.id, {offer.id: offer})
            if one.shown.address_id == address.id
        ),
        address.external_id if offer.capabilities.start_by_us else None,
    )
    if thread is None:
        raise RefusedError(
            f"in {offer.title} we can only answer", "choose an address to which we may write first"
        )
    return Carrier(
        offer=offer,
        thread=thread,
        address_id=address.id,
        text=wording.say(rules.language, phrase, **values),
        subject=wording.say(rules.language, subject) if offer.capabilities.subject else None,
    )


def _along(
    tx: Transaction, conversation: Held, target: ChannelOffer, outgoing: Outgoing, text: str
) -> Carrier:
    """On the way on which the customer is reached now. Raises RefusedError."""
    for way in ways_to(tx, conversation.customer_id, conversation.id, outgoing.offers):
        offer = outgoing.offers[way.shown.channel_id]
        if offer.id != target.id and len(text) <= offer.capabilities.text_max:
            subject = conversation.subject if offer.capabilities.subject else None
            return Carrier(
                offer=offer,
                thread=way.thread,
                address_id=way.shown.address_id,
                text=text,
                subject=subject,
            )
    raise RefusedError(
        "there is no other way on which this customer can be sent a link",
        "ask for the link alone, and give it to him otherwise",
    )


def _not_too_often(tx: Transaction, conversation: Held, address: Place | None) -> None:
    since = tx.now - SENT_MS
    if stored.sent_in(tx, conversation.id, since) >= SENT_MAX:
        raise RefusedError(f"{SENT_MAX} codes were sent within an hour in this conversation", "wait a while")
    if address is not None and stored.sent_to(tx, address.id, since) >= SENT_MAX:
        raise RefusedError(f"{SENT_MAX} codes were sent to this address within an hour", "wait a while")


def _send(
    tx: Transaction,
    conversation: Held,
    operator: OperatorInfo,
    client_id: str,
    carrier: Carrier,
    outgoing: Outgoing,
) -> int:
    """Write the message that carries a code. It answers nothing: state, owner and clock stay as they are."""
    offer = carrier.offer
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.queued",
        NewMessage(
            kind="out",
            channel_id=offer.id,
            thread=carrier.thread,
            address_id=carrier.address_id,
            operator_id=operator.id,
            text=carrier.text,
            subject=carrier.subject,
            status="queued",
            at=tx.now,
            client_id=client_id,
            automatic=True,
        ),
        data={"channel": offer.id},
        name=lambda message_id: outgoing.name_message(offer.id, conversation.id, message_id),
    )
    outbox.enqueue(tx, posted.id, offer.id, carrier.thread)
    conversations.note_message(
        tx,
        conversation,
        conversation.life,
        seq=posted.seq,
        kind="out",
        text=carrier.text,
        files=0,
        channel_id="",
        subject=None,
        from_customer=False,
        to_customer=False,
    )
    return posted.id
