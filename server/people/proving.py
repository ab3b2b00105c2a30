"""A person shows on one channel who he is on another: by a code that he tells, by a link that he follows.

What he shows is strong evidence: it verifies the address, and where another card has that address the two
become one. Inside `fn(tx)` only.
"""

from __future__ import annotations

from channels.base import InboundEvent
from server import wording
from server.cases.refused import RefusedError
from server.outcome import Outcome, happened_at
from server.people import codes, merging
from server.people.authors import ChannelFacts, recognise
from server.people.codes import MASK
from server.protocol import OperatorInfo, Tried
from server.store import codes as stored
from server.store import conversations, customers, messages, spoken, state
from server.store.codes import Code
from server.store.conversations import Held
from server.store.messages import NewMessage
from server.store.transaction import Snapshot, Transaction

FOLLOWED = "followed a link of ours"
TOLD = "told the code that was sent there"
CONFIRMED = "confirmed by a link that was sent there"


def filled(tx: Snapshot, message_id: int, text: str) -> str | None:
    """The text with the code that belongs into it; None where that is over. Only for who sends it."""
    if MASK not in text:
        return text
    code = stored.of_message(tx, message_id)
    if code is None:
        return text
    if not code.is_live(tx.now) or code.nonce is None:
        return None
    key = state.setting(tx, "key") or b""
    return text.replace(MASK, codes.secret(key, code.kind, code.nonce))


def told(tx: Transaction, conversation_id: int, address_id: int, digits: str) -> None:
    """The customer said six digits in a conversation: are they the code that it waits for?"""
    code = stored.live_digits(tx, conversation_id)
    if code is not None and _is_right(tx, code, digits, None):
        customers.proven_now(tx, address_id)


def tried(tx: Transaction, code_id: int, digits: str, operator: OperatorInfo) -> Tried:
    """An operator heard six digits. Raises NotFoundError, RefusedError."""
    code = stored.one(tx, code_id)
    if code.kind != "digits":
        raise RefusedError("this is a link, which is followed and not told", "let him follow it")
    if not code.is_live(tx.now):
        raise RefusedError(f"this code is over ({code.why_over()})", "send another one")
    right = _is_right(tx, code, digits, operator.id)
    if right:
        last = spoken.last_inbound(tx, code.conversation_id, 0)
        if last.address_id is not None:
            customers.proven_now(tx, last.address_id)
    conversation = conversations.held(tx, code.conversation_id)
    left = stored.one(tx, code_id).tries_left
    return Tried(right=right, tries_left=left, customer_id=conversation.customer_id)


def _is_right(tx: Transaction, code: Code, digits: str, operator_id: int | None) -> bool:
    key = state.setting(tx, "key") or b""
    if code.nonce is None or code.address_id is None:
        return False
    if not codes.is_right(code.digest, key, "digits", code.nonce, digits):
        left = stored.missed(tx, code.id)
        _tell(tx, "identity.code_failed", code, operator_id, {"left": left})
        return False
    stored.use(tx, code.id)
    _tell(tx, "identity.code_used", code, operator_id, {"kind": code.kind})
    conversation = conversations.held(tx, code.conversation_id)
    _prove(tx, conversation.customer_id, code.address_id, TOLD, operator_id)
    return True


def follow(tx: Transaction, channel: ChannelFacts, event: InboundEvent, language: str) -> Outcome | None:
    """Somebody came by a link of ours: what he writes here goes on in the conversation it was made for.

    None where the link is over, or none of ours.
    """
    code = _link(tx, event.token)
    if code is None or code.channel_id != channel.id or code.address_id is not None:
        return None
    if not code.is_live(tx.now):
        _tell(tx, "identity.code_failed", code, None, {"why": code.why_over()})
        return None
    stored.use(tx, code.id)
    conversation = conversations.held(tx, code.conversation_id)
    sender = event.sender
    own = customers.owner_of(tx, channel.scheme, channel.account, sender.external_id)
    if own is None:
        customers.add_address(
            tx,
            conversation.customer_id,
            scheme=channel.scheme,
            account=channel.account,
            external_id=sender.external_id,
            name=(sender.name or sender.username or "").strip(),
            verified=True,
            evidence=FOLLOWED,
            proof="code",
            is_account=sender.is_account,
        )
    else:
        if own.customer_id != conversation.customer_id:
            cards = sorted((own.customer_id, conversation.customer_id))
            merging.merge(tx, cards[1], cards[0], FOLLOWED)
        customers.prove(tx, own.address_id, "code", FOLLOWED)
    author = recognise(tx, channel, event)
    thread = event.thread or sender.external_id
    conversation = conversations.held(tx, code.conversation_id)
    _tell(tx, "identity.code_used", code, None, {"kind": code.kind})
    return _arrive(
        tx,
        conversation,
        NewMessage(
            kind="in",
            event_kind="continued",
            channel_id=channel.id,
            thread=thread,
            address_id=author.address_id,
            author=author.name,
            text=wording.say(language, "continued", title=channel.title or channel.id),
            status="received",
            at=happened_at(event, tx.now),
            remote_id=event.remote_message_id,
            reason=FOLLOWED,
        ),
    )


def confirm(tx: Transaction, token: str, language: str, titles: dict[str, str]) -> bool:
    """The owner of an address says on our page that it is his; False where the link is over."""
    code = _link(tx, token)
    if code is None or code.address_id is None:
        return False
    if not code.is_live(tx.now):
        _tell(tx, "identity.code_failed", code, None, {"why": code.why_over()})
        return False
    stored.use(tx, code.id)
    _tell(tx, "identity.code_used", code, None, {"kind": code.kind})
    conversation = conversations.held(tx, code.conversation_id)
    address_id = _prove(tx, conversation.customer_id, code.address_id, CONFIRMED, None)
    address = customers.place(tx, address_id) if address_id is not None else None
    if address is None:
        return False
    _arrive(
        tx,
        conversations.held(tx, code.conversation_id),
        NewMessage(
            kind="in",
            event_kind="continued",
            channel_id=code.channel_id,
            thread=address.external_id,
            address_id=address.id,
            author=address.name,
            text=wording.say(language, "continued", title=titles.get(code.channel_id, code.channel_id)),
            status="received",
            at=tx.now,
            reason=CONFIRMED,
        ),
    )
    return True


def _link(tx: Transaction, token: str) -> Code | None:
    if not token or not token.isascii() or len(token) > 64:
        return None
    key = state.setting(tx, "key") or b""
    return stored.by_digest(tx, codes.digest(key, "link", b"", token))


def _arrive(tx: Transaction, conversation: Held, new: NewMessage) -> Outcome:
    """He is here now. Nothing was said: state, owner, priority, tags and clock stay as they are."""
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.received",
        new,
        data={"channel": new.channel_id},
    )
    conversations.note_message(
        tx,
        conversation,
        conversation.life,
        seq=posted.seq,
        kind="in",
        text=new.text,
        files=0,
        channel_id=new.channel_id,
        subject=None,
        from_customer=False,
        to_customer=False,
    )
    address_id = new.address_id or 0
    state.lead_thread(tx, new.channel_id, new.thread, conversation.id, address_id)
    return Outcome(conversation.customer_id, posted.id, conversation.id, posted.seq)


def _prove(
    tx: Transaction, customer_id: int, address_id: int, evidence: str, operator_id: int | None
) -> int | None:
    """The address is this person's: verified, and joined with whoever had it. The address that is verified
    now; None where the claim was taken to another person meanwhile."""
    mine = customers.place(tx, address_id)
    if mine is None or mine.customer_id != customer_id:
        return None
    owner = customers.owner_of(tx, mine.scheme, mine.account, mine.external_id)
    if owner is not None and owner.customer_id != customer_id and owner.proof == "colleague":
        customers.doubt(tx, owner.address_id, "a colleague said so, and somebody else has shown it")
        owner = None
    if owner is None:
        customers.prove(tx, mine.id, "code", evidence)
    elif owner.customer_id == customer_id:
        if owner.proof == "colleague":
            customers.prove(tx, owner.address_id, "code", evidence)
        else:
            customers.proven_now(tx, owner.address_id)
    elif mine.scheme == "phone":
        # A phone that two people have joins nobody: it stays in the identity inbox.
        customers.proven_now(tx, mine.id)
        return mine.id
    else:
        cards = sorted((owner.customer_id, customer_id))
        merging.merge(tx, cards[1], cards[0], evidence, operator_id)
        customers.proven_now(tx, owner.address_id)
        return owner.address_id
    merging.tell_of_change(tx, customer_id, {"fields": ["addresses"]}, operator_id)
    return owner.address_id if owner is not None else mine.id


def _tell(tx: Transaction, kind: str, code: Code, operator_id: int | None, data: dict[str, object]) -> None:
    conversation = conversations.held(tx, code.conversation_id)
    seq = tx.emit(
        kind,
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        operator_id=operator_id,
        data={"code": code.id, **data},
    )
    conversations.touch(tx, conversation.id, seq)
