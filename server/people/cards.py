"""What operators, programs and channels put on a card. Inside `fn(tx)` only.

Whoever is named by the number of a card that became part of another means that one.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from channels.base import Sender
from channels.base.score import SCORE, score_problem
from channels.contacts import email_address, phone_number
from server.cases.refused import RefusedError
from server.people.card_settings import (
    BUILT_IN,
    NAME,
    OWN_KEYS,
    FieldError,
    FieldSettings,
    checked,
    hidden,
    spec_of,
)
from server.people.merging import tell_of_change
from server.protocol import (
    AddressCommand,
    CardCommand,
    ConsentCommand,
    LinkCommand,
    LinkedPerson,
    OperatorInfo,
    RecordCommand,
)
from server.protocol.people import Source
from server.store import addresses, customer_tags, customers, fields, links, merges, messages, records
from server.store.conversations import NotFoundError
from server.store.records import Fact
from server.store.transaction import Snapshot, Transaction

COLLEAGUE = "a colleague vouches for it"
GIVEN = "noted by a colleague"
KIND = NAME  # of records
NAME_FIELD = BUILT_IN["name"]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of cards."""

    fields: Mapping[str, FieldSettings] = {}
    country: str = ""  # ISO 3166, of numbers without a country code
    channels: frozenset[str] = frozenset()  # ids of those there are


def person(tx: Snapshot, customer_id: int) -> int:
    """The card that this one is today. Raises NotFoundError."""
    root = merges.root_of(tx, customer_id)
    if not root:
        raise NotFoundError("customer", customer_id)
    return root


# --- fields ---------------------------------------------------------------------------------------


def checked_values(command: CardCommand, rules: Rules, operator: OperatorInfo) -> dict[str, str]:
    """By name, what the command puts there; '' removes. Pure. Raises FieldError."""
    given = dict(command.fields)
    for name in OWN_KEYS:
        if name in given:
            raise FieldError(f"{name} is no field of its own", f"give it as {name!r} beside 'fields'")
        value = getattr(command, name)
        if value is not None:
            given[name] = value
    return {name: checked_value(name, value, rules, operator) for name, value in given.items()}


def checked_value(name: str, value: str, rules: Rules, operator: OperatorInfo) -> str:
    """Raises FieldError."""
    spec = spec_of(name, rules.fields)
    if spec is None or name in hidden(operator.role, rules.fields):
        raise FieldError(f"there is no field {name!r}", "GET /v1/fields lists them; omni.toml declares them")
    if name == "preferred_channel" and value and value not in rules.channels:
        raise FieldError(
            f"there is no channel {value[:40]!r}", "channels: " + ", ".join(sorted(rules.channels))
        )
    return checked(spec, value)


def change(
    tx: Transaction,
    customer_id: int,
    operator: OperatorInfo,
    values: Mapping[str, str],
    tags: list[str] | None,
    source: Source = "operator",
) -> None:
    """`values` come from `checked_values`. Raises NotFoundError."""
    customer_id = person(tx, customer_id)
    changed = [
        name for name, value in values.items() if _put(tx, customer_id, name, value, source, operator.id)
    ]
    if tags is not None and customer_tags.put(tx, customer_id, tags, operator.id):
        changed.append("tags")
    if changed:
        tell_of_change(tx, customer_id, {"fields": sorted(changed)}, operator.id)


def _put(
    tx: Transaction, customer_id: int, name: str, value: str, source: Source, operator_id: int | None
) -> bool:
    if name != "name":
        return fields.put(tx, customer_id, name, value or None, source, operator_id=operator_id)
    before = customers.full_name(tx, customer_id)
    if not value or value == before:
        return False
    if fields.one(tx, customer_id, "name") is None:
        # So that the first change, too, can be taken back.
        fields.put(tx, customer_id, "name", before, "channel", at=customers.created_at(tx, customer_id))
    customers.rename(tx, customer_id, value)
    fields.put(tx, customer_id, "name", value, source, operator_id=operator_id)
    return True


def revert(tx: Transaction, customer_id: int, operator: OperatorInfo, name: str, to: int) -> None:
    """A field is again as it was in this row of its history. Raises NotFoundError."""
    customer_id = person(tx, customer_id)
    row = next((row for row in fields.history(tx, customer_id, name) if row.id == to), None)
    if row is None:
        raise NotFoundError(f"value of {name} with the number", to)
    if _put(tx, customer_id, name, row.value or "", "operator", operator.id):
        tell_of_change(tx, customer_id, {"fields": [name]}, operator.id)


def learn(tx: Transaction, customer_id: int, sender: Sender) -> None:
    """What a channel tells of the person; it replaces only what a channel told."""
    name = (sender.name or sender.username or "").strip()
    if name and customers.full_name(tx, customer_id) == name:
        fields.learn(tx, customer_id, "name", name)
    if sender.username and sender.username.strip():
        fields.learn(tx, customer_id, "username", sender.username.strip()[:200])
    if sender.locale:
        try:
            language = checked(BUILT_IN["language"], sender.locale)
        except FieldError:
            return  # no language: it says nothing of the person
        fields.learn(tx, customer_id, "language", language)


# --- consents, addresses, links -------------------------------------------------------------------


def consent(
    tx: Transaction,
    customer_id: int,
    operator: OperatorInfo,
    command: ConsentCommand,
    source: Source = "operator",
) -> None:
    customer_id = person(tx, customer_id)
    name = fields.consent_name(command.purpose, command.scheme)
    value = "yes" if command.granted else "no"
    if fields.put(tx, customer_id, name, value, source, operator_id=operator.id):
        tell_of_change(tx, customer_id, {"fields": [name]}, operator.id)


def canonical(scheme: str, external_id: str, country: str) -> str:
    """An address as it can be compared. Pure. Raises FieldError."""
    if scheme == "email":
        address = email_address(external_id)
        if address is None:
            raise FieldError(f"{external_id[:60]!r} is not an e-mail address")
        return address
    if scheme == "phone":
        number = phone_number(external_id, country)
        if number is None:
            raise FieldError(
                f"{external_id[:60]!r} is not a telephone number",
                "write it with its country: +7 916 123-45-67",
            )
        return number
    raise FieldError(
        f"addresses of the scheme {scheme!r} cannot be noted by hand",
        "a channel proves them; note e-mail or phone",
    )


def add_address(
    tx: Transaction, customer_id: int, operator: OperatorInfo, command: AddressCommand, external_id: str
) -> None:
    """`external_id` in its canonical form. Raises NotFoundError, RefusedError."""
    customer_id = person(tx, customer_id)
    if command.message_id is not None:
        place = messages.many(tx, [command.message_id]).get(command.message_id)
        if place is None or place.customer_id != customer_id:
            raise NotFoundError("message of this customer", command.message_id)
    known = customers.address_of(tx, customer_id, command.scheme, "", external_id)
    if known is not None and (known.verified or not command.vouched):
        return
    if command.vouched:
        owner = customers.owner_of(tx, command.scheme, "", external_id)
        if owner is not None and owner.customer_id != customer_id:
            raise RefusedError(
                "another card has this address, verified",
                "note it without vouching; if both are one person, merge the cards",
            )
    customers.add_address(
        tx,
        customer_id,
        scheme=command.scheme,
        account="",
        external_id=external_id,
        name="",
        verified=command.vouched,
        evidence=COLLEAGUE if command.vouched else GIVEN,
        proof="colleague",
    )
    tell_of_change(tx, customer_id, {"fields": ["addresses"]}, operator.id)


def drop_address(tx: Transaction, customer_id: int, operator: OperatorInfo, address_id: int) -> None:
    """Forget what was only claimed. Raises NotFoundError, RefusedError."""
    customer_id = person(tx, customer_id)
    found = next((one for one in customers.addresses(tx, customer_id) if one.id == address_id), None)
    if found is None:
        raise NotFoundError("address of this customer", address_id)
    if found.verified:
        raise RefusedError("this address is verified", "only what was merely claimed can be taken off a card")
    if not addresses.forget(tx, address_id):
        raise RefusedError("messages came from this address", "it stays with them")
    tell_of_change(tx, customer_id, {"fields": ["addresses"]}, operator.id)


def link(tx: Transaction, customer_id: int, operator: OperatorInfo, command: LinkCommand) -> None:
    """Raises NotFoundError, RefusedError."""
    one, other = person(tx, customer_id), person(tx, command.customer_id)
    if one == other:
        raise RefusedError("this is one and the same person", "link two people")
    links.put(tx, one, other, command.relation.strip(), operator.id)
    for customer in (one, other):
        tell_of_change(tx, customer, {"fields": ["links"]}, operator.id)


def unlink(tx: Transaction, operator: OperatorInfo, link_id: int) -> LinkedPerson:
    """The link that was, seen from the older card. Raises NotFoundError."""
    found = links.find(tx, link_id)
    if found is None:
        raise NotFoundError("link", link_id)
    links.drop(tx, link_id)
    for customer in {found.one, found.other}:
        tell_of_change(tx, customer, {"fields": ["links"]}, operator.id)
    name = customers.full_name(tx, found.other)
    return LinkedPerson(id=link_id, customer_id=found.other, name=name, relation=found.relation)


# --- records --------------------------------------------------------------------------------------


def record_fact(kind: str, number: str, command: RecordCommand, country: str) -> Fact:
    """Pure. Raises FieldError."""
    if bool(command.scheme) != bool(command.address):
        raise FieldError("an address is a scheme and an address", "give both, or neither")
    problem = score_problem(command.title, command.amount, command.details) if kind == SCORE else ""
    if problem:
        raise FieldError(problem, "see docs/channels/webhook.md, Scores")
    shared = command.scheme in ("email", "phone")
    address = canonical(command.scheme, command.address, country) if shared else command.address
    given = msgspec.structs.asdict(command) | {"address": address}
    return Fact(kind=kind, external_id=number, **given)


def put_record(tx: Transaction, fact: Fact, operator_id: int | None = None) -> int:
    """Write a record; its id. Tells whose card changed, if it is anybody's. Raises NotFoundError."""
    if fact.customer_id is not None:
        fact = msgspec.structs.replace(fact, customer_id=person(tx, fact.customer_id))
    kept = records.put(tx, fact)
    if kept.fields:
        tx.emit(
            "record.changed",
            customer_id=kept.customer_id,
            operator_id=operator_id,
            data={"record": kept.id, "fields": kept.fields},
        )
    return kept.id
