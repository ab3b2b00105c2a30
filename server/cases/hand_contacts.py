"""Contacts by hand: a call, a visit, a letter on paper, as a colleague tells of it. Inside `fn(tx)` only.

It goes where the colleague says, or to the person's open conversation, or begins one. It moves no state:
whoever was called while his chat waits still waits there for an answer.
"""

from __future__ import annotations

from server import lifecycle
from server.cases.media import MEDIA, as_channel
from server.cases.refused import RefusedError
from server.people.merging import tell_of_change
from server.protocol import HandContact, OperatorInfo
from server.store import cases, conversations, customers, merges, messages
from server.store.conversations import Held, NotFoundError
from server.store.messages import NewMessage
from server.store.transaction import Transaction

GIVEN = "noted by a colleague"
AHEAD_MS = 60_000  # clocks differ; what is later than this has not happened yet


def log(tx: Transaction, operator: OperatorInfo, contact: HandContact, phone: str | None) -> int:
    """Write the contact down; the message id, the same one for the same client id.

    `phone`: of a new card, E.164. Raises RefusedError, NotFoundError.
    """
    facts = MEDIA[contact.medium]
    if not contact.client_id.strip():
        raise RefusedError("client_id is empty", "make one for every contact")
    known = messages.sent_client_id(tx, operator.id, contact.client_id)
    if known is not None:
        if messages.many(tx, [known.id])[known.id].detail.get("medium") != contact.medium:
            raise RefusedError("this client_id was used for something else", "make one for every contact")
        return known.id
    if not contact.text.strip() and not contact.result.strip():
        raise RefusedError("nothing is said of the contact", "write what it was about, or its result")
    if contact.at is not None and not 0 < contact.at <= tx.now + AHEAD_MS:
        raise RefusedError("that time is none, or has not come yet", "leave it out for just now")
    at = tx.now if contact.at is None else min(contact.at, tx.now)
    conversation = _conversation(tx, operator, contact, phone, at)
    detail: dict[str, str] = {"medium": contact.medium}
    if contact.duration_s is not None:
        detail["duration_s"] = str(contact.duration_s)
    if contact.result.strip():
        detail["result"] = contact.result.strip()
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "contact.added",
        NewMessage(
            kind="in" if contact.from_customer else "out",
            event_kind=facts.event_kind,
            operator_id=operator.id,
            text=contact.text.strip() or contact.result.strip(),
            status="received" if contact.from_customer else "sent",
            at=at,
            client_id=contact.client_id,
            detail=detail,
        ),
        data={"medium": contact.medium, "inward": contact.from_customer},
    )
    conversations.note_message(
        tx,
        conversation,
        conversation.life,
        seq=posted.seq,
        kind="in" if contact.from_customer else "out",
        text=contact.text.strip() or contact.result.strip(),
        files=0,
        channel_id=as_channel(contact.medium),
        subject=None,
        # He was heard already: nothing is unread, and answers go where he writes.
        from_customer=False,
        to_customer=False,
    )
    cases.acted(tx, conversation.id, "contact", operator.id)
    return posted.id


def _conversation(
    tx: Transaction, operator: OperatorInfo, contact: HandContact, phone: str | None, at: int
) -> Held:
    if contact.conversation_id is not None:
        found = conversations.held(tx, contact.conversation_id)
        if contact.customer_id is not None and merges.root_of(tx, contact.customer_id) != found.customer_id:
            raise RefusedError("the conversation is another customer's", "name one of the two")
        return found
    customer_id = _customer(tx, operator, contact, phone)
    active = conversations.active_of(tx, customer_id)
    if active is not None:
        return active
    if contact.from_customer:
        life = lifecycle.claim(lifecycle.opened(at), operator.id, None)
    else:
        life = lifecycle.begun_by_us(tx.now, operator.id)
    conversation_id = conversations.create(tx, customer_id, life, None)
    tx.emit(
        "conversation.opened",
        conversation_id=conversation_id,
        customer_id=customer_id,
        operator_id=operator.id,
        data={"medium": contact.medium, "state": life.state},
    )
    return conversations.held(tx, conversation_id)


def _customer(tx: Transaction, operator: OperatorInfo, contact: HandContact, phone: str | None) -> int:
    if contact.customer_id is not None:
        root = merges.root_of(tx, contact.customer_id)
        if not root:
            raise NotFoundError("customer", contact.customer_id)
        return root
    name = contact.name.strip()
    if not name and not phone:
        raise RefusedError("whose contact is it?", "name a customer, a conversation, or a name or phone")
    customer_id = customers.create(tx, name or phone or "")
    if phone:
        customers.add_address(
            tx,
            customer_id,
            scheme="phone",
            account="",
            external_id=phone,
            name=name,
            verified=False,
            evidence=GIVEN,
        )
    tell_of_change(tx, customer_id, {"fields": ["created"]}, operator.id)
    return customer_id
