"""A thousand people who share telephones and mailboxes, mistype and bear the same names, through the real
intake: whom did the server take for one person, and whom does it ask about?

Goal: wrong_merges 0. What is missed is counted and printed; most of it waits in the identity inbox.

What a platform signs or verifies comes with the person's name, what people write and type often with none
or another one. Where platforms name nobody, an account on a family's mailbox looks like anybody of the
family: that is measured as well (`wrong_without_names`), as a verified address links by itself.

An identity is a mailbox, an account, a visit, a number on a messenger. A card is right as long as one person
can be everybody on it: a letter from a family's mailbox is that of any of the family, an account is one
person's. A link is missed where a person's own identities are on two cards.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage
from pathlib import Path

import msgspec

from benchmarks.neighbours import Person, Town, called, town, typed_as, typed_mailbox, typed_phone
from channels.base import InboundEvent
from channels.email.parse import parse as parse_mail
from channels.messenger.updates import Reader, Reading
from channels.telegram.updates import UPDATES
from channels.webchat import incoming
from channels.webchat.identity import Identity
from channels.webchat.session import Session
from channels.webhook.parse import parse_event
from server.clock import HeldClock
from server.intake import Policy, take_in
from server.people.authors import ChannelFacts
from server.people.suggester import Suggester
from server.store import merges, offline
from server.store.database import Database
from server.store.records import Fact, put
from server.store.transaction import Snapshot, Transaction

PEOPLE = 1_000
CONTACTS = (2, 3, 4, 5)
AT_ONCE = 50
SEED = 20_261_122
COUNTRY = "RU"

CHANNELS = {
    "mail": ChannelFacts(id="mail", scheme="email", account="", begins_anew=True),
    "site": ChannelFacts(id="site", scheme="webchat", account="site"),
    "bot": ChannelFacts(id="bot", scheme="telegram", account="bot"),
    "market": ChannelFacts(id="market", scheme="webhook", account="market"),
}


class Contact(msgspec.Struct, frozen=True):
    """Somebody writes. `owners`: whoever the address that he writes from may belong to."""

    channel: str
    event: InboundEvent
    owners: frozenset[int]


class Writer:
    """What one town writes, in no order."""

    def __init__(self, seed: int, people: int, named: bool) -> None:
        """`named`: what platforms verify comes with a name."""
        self.named = named
        self.chance = random.Random(seed)
        self.town: Town = town(people, self.chance)
        self._number = 0

    def contacts(self) -> list[Contact]:
        found = [contact for person in self.town.people for contact in self._of(person)]
        self.chance.shuffle(found)
        return found

    def _of(self, person: Person) -> Iterator[Contact]:
        kinds = [self._letter, self._visit, self._purchase, self._call]
        if person.account:
            kinds += [self._signed, self._signed]
        if person.messenger:
            kinds += [self._messenger, self._messenger]
        for kind in self.chance.choices(kinds, k=self.chance.choice(CONTACTS)):
            self._number += 1
            yield kind(person)

    def _text(self, person: Person) -> str:
        return self.chance.choice(
            ("Здравствуйте!", f"Где мой заказ {person.order}?", "Перезвоните, пожалуйста", "Спасибо")
        )

    def _letter(self, person: Person) -> Contact:
        address = self.chance.choice(person.mailboxes)
        letter = EmailMessage()
        name = called(person, self.chance)
        letter["From"] = f'"{name}" <{address}>' if name.isascii() and name else address
        if name and not name.isascii():
            del letter["From"]
            letter["From"] = f"{name} <{address}>"
        letter["To"] = "support@shop.example"
        letter["Subject"] = "Вопрос"
        letter["Message-ID"] = f"<{self._number}@corpus.example>"
        letter.set_content(self._text(person))
        meta = {"dedupe_key": f"letter-{self._number}", "address": "support@shop.example"}
        [event] = parse_mail(letter.as_bytes(), meta)
        return Contact("mail", event, self.town.users[address])

    def _session(self, person: Person, known: Identity | None) -> Session:
        visitor = f"{self.chance.getrandbits(128):032x}"
        session = Session(visitor=visitor, created_at=0, expires_at=1 << 60, identity=known)
        form: dict[str, object] = {}
        if known is None:
            if self.chance.random() < 0.6:
                form["email"] = typed_mailbox(person, self.chance)
            if self.chance.random() < 0.4:
                form["phone"] = typed_phone(person, self.chance)
            if self.chance.random() < 0.6:
                form["name"] = called(person, self.chance)
        return incoming.typed_contacts(session, form, COUNTRY)

    def _said(self, person: Person, session: Session) -> Contact:
        body = {"client_id": f"client-{self._number:08}", "text": self._text(person)}
        return Contact("site", incoming.message("site", session, body, (), 0), frozenset({person.id}))

    def _visit(self, person: Person) -> Contact:
        return self._said(person, self._session(person, None))

    def _signed(self, person: Person) -> Contact:
        known = Identity(
            sub=person.account,
            name=person.name if self.named or self.chance.random() < 0.9 else "",
            email=person.mailboxes[0],
            email_verified=self.chance.random() < 0.8,
            phone=person.phones[0] if self.chance.random() < 0.7 else "",
            phone_verified=self.chance.random() < 0.7,
        )
        return self._said(person, self._session(person, known))

    def _messenger(self, person: Person) -> Contact:
        message: dict[str, object] = {
            "message_id": self._number,
            "from": {"id": person.messenger, "first_name": called(person, self.chance) or person.first},
            "chat": {"id": person.messenger, "type": "private"},
            "date": 1_790_000_000,
        }
        if self.chance.random() < 0.4:
            number = self.chance.choice(person.phones).removeprefix("+")
            message["contact"] = {
                "phone_number": number,
                "first_name": person.first,
                "user_id": person.messenger,
            }
        else:
            message["text"] = self._text(person)
        raw = json.dumps({"update_id": self._number, "message": message}).encode()
        [event] = Reader(UPDATES, Reading(bot_id="1", country=COUNTRY)).events(raw)
        return Contact("bot", event, frozenset({person.id}))

    def _purchase(self, person: Person) -> Contact:
        verified = self.chance.random() < 0.4
        name = called(person, self.chance)
        sender = {
            "id": person.buyer,
            "name": name or (person.name if self.named and verified else ""),
            "email": person.mailboxes[0] if verified else typed_mailbox(person, self.chance),
            "phone": typed_phone(person, self.chance) if self.chance.random() < 0.5 else "",
            "verified": ["email"] if verified else [],
        }
        return self._hook("message", {"sender": sender, "text": self._text(person)}, frozenset({person.id}))

    def _call(self, person: Person) -> Contact:
        phone = self.chance.choice(person.phones)
        call = {"direction": "in", "result": "missed", "number": typed_as(phone, self.chance)}
        return self._hook("call", {"call": call}, self.town.users[phone])

    def _hook(self, kind: str, data: dict[str, object], owners: frozenset[int]) -> Contact:
        raw = json.dumps({"type": kind, "data": {"message_id": f"in-{self._number}", **data}}).encode()
        return Contact("market", parse_event(f"hook-{self._number}", raw, COUNTRY), owners)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    people: int
    contacts: int
    cards: int
    merges: int
    wrong_merges: int  # cards on which nobody can be everybody
    missed_links: int  # cards of a person's own identities beyond his first
    suggested: int  # pairs in the identity inbox
    suggested_right: int  # of which may be one person
    missed_and_suggested: int  # missed links that accepting the right ones would make


async def run(folder: Path, people: int, seed: int, named: bool = True) -> Result:
    """Take a town's contacts in, let the suggester look at them, and compare with the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    offline.create(folder)
    clock = HeldClock()
    database = Database(folder / offline.DATABASE, clock, lambda batch: None, lambda text: None)
    await database.open()
    try:
        writer = Writer(seed, people, named)
        contacts = writer.contacts()
        for person in writer.town.people:
            fact = Fact(kind="order", external_id=person.order, scheme="email", address=person.mailboxes[0])
            await database.write(lambda tx, fact=fact: put(tx, fact))  # type: ignore[misc]
        owners: list[tuple[int, frozenset[int]]] = []
        for start in range(0, len(contacts), AT_ONCE):
            part = contacts[start : start + AT_ONCE]
            owners += await database.write(lambda tx, part=part: _take(tx, part))  # type: ignore[misc]
            clock.advance(60_000)
        await Suggester(database, b"corpus").catch_up()
        return await database.read(lambda tx: _judge(tx, people, owners))
    finally:
        await database.close()


def _take(tx: Transaction, contacts: Iterable[Contact]) -> list[tuple[int, frozenset[int]]]:
    """By address of the writer: who may be behind it."""
    found = []
    for contact in contacts:
        outcome = take_in(tx, CHANNELS[contact.channel], contact.event, (), Policy())
        address = tx.value("SELECT address_id FROM message WHERE id = ?", (outcome.message_id,))
        found.append((int(address), contact.owners))
    return found


def _judge(tx: Snapshot, people: int, owners: list[tuple[int, frozenset[int]]]) -> Result:
    can_be: dict[int, frozenset[int]] = {}
    own: dict[int, set[int]] = defaultdict(set)
    for address, who in set(owners):
        card = int(tx.value("SELECT customer_id FROM address WHERE id = ?", (address,)))
        can_be[card] = can_be.get(card, who) & who
        if len(who) == 1:
            own[next(iter(who))].add(card)
    pairs = [
        (merges.root_of(tx, row["one_customer"]), merges.root_of(tx, row["other_customer"]))
        for row in tx.all("SELECT one_customer, other_customer FROM suggestion WHERE state = 'open'")
    ]
    everybody = frozenset(range(1, people + 1))
    right = [pair for pair in pairs if can_be.get(pair[0], everybody) & can_be.get(pair[1], everybody)]
    missed = sum(len(cards) - 1 for cards in own.values())
    return Result(
        people=people,
        contacts=len(owners),
        cards=int(tx.value("SELECT count(*) FROM customer WHERE root_id IS NULL")),
        merges=int(tx.value("SELECT count(*) FROM merge")),
        wrong_merges=sum(1 for who in can_be.values() if not who),
        missed_links=missed,
        suggested=len(pairs),
        suggested_right=len(right),
        missed_and_suggested=missed - sum(_parts(cards, right) - 1 for cards in own.values()),
    )


def _parts(cards: set[int], pairs: list[tuple[int, int]]) -> int:
    """Into how many groups these cards fall where the pairs among them are joined."""
    group = {card: card for card in cards}

    def root(card: int) -> int:
        while group[card] != card:
            card = group[card]
        return card

    for one, other in pairs:
        if one in group and other in group:
            group[root(one)] = root(other)
    return len({root(card) for card in cards})


def measure(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    result = asyncio.run(run(folder / "named", PEOPLE, SEED))
    nameless = asyncio.run(run(folder / "nameless", PEOPLE, SEED, named=False))
    say(
        f"{result.people} people, {result.contacts} contacts on {len(CHANNELS)} channels became"
        f" {result.cards} cards, {result.merges} merges among them; seed {SEED}"
    )
    say(f"wrong: {result.wrong_merges} cards on which nobody can be everybody (goal: 0)")
    say(
        f"missed: {result.missed_links} links, of which {result.missed_and_suggested} wait in the identity"
        f" inbox ({result.suggested} pairs there, {result.suggested_right} of them may be one person)"
    )
    say(f"where platforms often give no name: {nameless.wrong_merges} wrong, {nameless.missed_links} missed")
    figures: dict[str, float] = msgspec.to_builtins(result)
    return figures | {"wrong_without_names": nameless.wrong_merges}
