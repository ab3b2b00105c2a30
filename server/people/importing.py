"""People and what was said with them, brought in from another system. Inside `fn(tx)` only.

The same file again changes nothing: a person is known by his number in the other system, a message by its
own; a value is written only where the file says something else than it did before. It wakes nobody: what was
said becomes closed conversations, in the river and in the search, in no queue and on no clock. It joins
nobody either: an address that another card has stays a claim.
"""

from __future__ import annotations

from collections.abc import Callable

from server import lifecycle
from server.history import EVENT, REASON
from server.people import cards
from server.people.card_settings import FieldError, checked
from server.people.cards import Rules
from server.people.merging import tell_of_change
from server.protocol import (
    ImportCommand,
    ImportDone,
    ImportLine,
    ImportMessage,
    ImportPerson,
    ImportProblem,
    MessageKind,
    OperatorInfo,
    Status,
)
from server.store import conversations, customer_tags, customers, fields, journal, messages, state
from server.store.journal import Raw
from server.store.messages import NewMessage
from server.store.transaction import Transaction

SCHEME = "import"  # of the numbers that people have in the other system
CHANNEL = "@import"  # in the journal and in threads; no channel may be called so
TAGS = "import.tags"  # a field: which tags the file had, so that one that was taken off stays off
EVIDENCE = "imported"
_KINDS: dict[str, tuple[MessageKind, Status]] = {
    "customer": ("in", "received"),
    "us": ("out", "sent"),
    "note": ("note", "sent"),
}


class DryRunOverError(Exception):
    """Raised at the end of a dry run, so that nothing of it stays; carries what would have happened."""

    def __init__(self, done: ImportDone) -> None:
        super().__init__("a dry run")
        self.done = done


class BadLinesError(Exception):
    """Some lines cannot be taken in; so none was."""

    def __init__(self, problems: list[ImportProblem]) -> None:
        super().__init__(f"{len(problems)} lines are wrong")
        self.problems = problems


def take_in(tx: Transaction, command: ImportCommand, rules: Rules, operator: OperatorInfo) -> ImportDone:
    """Take in every line, or none. Raises BadLinesError, DryRunOverError."""
    problems = []
    done = ImportDone()
    known = set(command.earlier)
    for line in command.lines:
        try:
            _take_line(tx, line, command, rules, operator, done, known)
        except FieldError as error:
            hint = f" ({error.hint})" if error.hint else ""
            problems.append(ImportProblem(line=line.line, problem=f"{error}{hint}"))
    if problems:
        raise BadLinesError(problems)
    if command.dry_run:
        raise DryRunOverError(done)
    return done


def _take_line(
    tx: Transaction,
    line: ImportLine,
    command: ImportCommand,
    rules: Rules,
    operator: OperatorInfo,
    done: ImportDone,
    earlier: set[str],
) -> None:
    if line.person is not None and line.message is None:
        _Person(tx, line.person, command, rules, operator, done).take()
    elif line.message is not None and line.person is None:
        _take_message(tx, line.message, done, earlier)
    else:
        raise FieldError("a line is either a person or a message")


class _Person:
    """One person of the file, and what taking him in has changed so far."""

    def __init__(
        self,
        tx: Transaction,
        person: ImportPerson,
        command: ImportCommand,
        rules: Rules,
        operator: OperatorInfo,
        done: ImportDone,
    ) -> None:
        self._tx = tx
        self._person = person
        self._vouch = command.vouch
        self._taken = frozenset(command.taken) if command.dry_run else frozenset()
        self._operator = operator
        self._done = done
        self._changed: list[str] = []
        # Everything is checked before anything is written.
        self._addresses = [
            *(("email", cards.canonical("email", one, rules.country)) for one in person.emails),
            *(("phone", cards.canonical("phone", one, rules.country)) for one in person.phones),
        ]
        given = {**person.fields, "language": person.language, "time_zone": person.time_zone}
        self._values = {
            name: cards.checked_value(name, value, rules, operator) for name, value in given.items() if value
        }
        self._consents = {_consent_name(name): granted for name, granted in person.consents.items()}
        self._name = checked(cards.NAME_FIELD, person.name)

    def take(self) -> None:
        owner = customers.owner_of(self._tx, SCHEME, "", self._person.id)
        customer_id = owner.customer_id if owner is not None else self._create()
        if self._name:
            self._put_name(customer_id)
        for name, value in self._values.items():
            self._once(customer_id, name, value, lambda n, v: self._write(customer_id, n, v))
        for name, granted in self._consents.items():
            self._once(
                customer_id, name, "yes" if granted else "no", lambda n, v: self._write(customer_id, n, v)
            )
        self._put_tags(customer_id)
        for scheme, external_id in self._addresses:
            self._put_address(customer_id, scheme, external_id)
        if owner is None:
            self._done.people_new += 1
            self._done.new.append(self._person.id)
        elif self._changed:
            self._done.people_changed += 1
        else:
            self._done.people_same += 1
        if self._changed:
            tell_of_change(self._tx, customer_id, {"fields": sorted(set(self._changed))}, self._operator.id)

    def _create(self) -> int:
        name = self._name or next((address for _, address in self._addresses), self._person.id)
        customer_id = customers.create(self._tx, name)
        customers.add_address(
            self._tx,
            customer_id,
            scheme=SCHEME,
            account="",
            external_id=self._person.id,
            name="",
            verified=True,
            evidence=EVIDENCE,
            proof="colleague",
        )
        self._changed.append("imported")
        return customer_id

    def _once(self, customer_id: int, name: str, value: str, write: Callable[[str, str], None]) -> None:
        """Write what the file says anew, or differently than the last time."""
        if fields.last_from(self._tx, customer_id, name, "import") != value:
            write(name, value)

    def _write(self, customer_id: int, name: str, value: str) -> None:
        if fields.put(self._tx, customer_id, name, value, "import", operator_id=self._operator.id):
            self._changed.append(name)

    def _put_name(self, customer_id: int) -> None:
        def rename(name: str, value: str) -> None:
            if customers.full_name(self._tx, customer_id) != value:
                customers.rename(self._tx, customer_id, value)
            self._write(customer_id, name, value)

        self._once(customer_id, "name", self._name, rename)

    def _put_tags(self, customer_id: int) -> None:
        before = fields.last_from(self._tx, customer_id, TAGS, "import") or ""
        wanted = sorted(set(self._person.tags))
        fresh = [tag for tag in wanted if tag not in before.split()]
        have = customer_tags.of(self._tx, customer_id)
        for tag in fresh:
            if tag not in have:
                customer_tags.add(self._tx, customer_id, tag, self._operator.id)
                self._changed.append("tags")
        if fresh:
            remembered = " ".join(sorted({*before.split(), *wanted}))
            fields.put(self._tx, customer_id, TAGS, remembered, "import", operator_id=self._operator.id)

    def _put_address(self, customer_id: int, scheme: str, external_id: str) -> None:
        owner = customers.owner_of(self._tx, scheme, "", external_id) if self._vouch else None
        name = f"{scheme}:{external_id}"
        held = (owner is not None and owner.customer_id != customer_id) or name in self._taken
        self._done.held += held
        verified = self._vouch and not held
        known = customers.address_of(self._tx, customer_id, scheme, "", external_id)
        if known is not None and (known.verified or not verified):
            return
        customers.add_address(
            self._tx,
            customer_id,
            scheme=scheme,
            account="",
            external_id=external_id,
            name="",
            verified=verified,
            evidence=EVIDENCE,
            proof="colleague",
        )
        self._changed.append("addresses")
        if verified:
            self._done.taken.append(name)


def _consent_name(given: str) -> str:
    """`PURPOSE` or `PURPOSE:SCHEME`. Raises FieldError."""
    purpose, _, scheme = given.partition(":")
    if not cards.KIND.fullmatch(purpose) or (scheme and not cards.KIND.fullmatch(scheme)) or "." in scheme:
        raise FieldError(f"{given[:60]!r} is not a consent", "write PURPOSE or PURPOSE:SCHEME")
    return fields.consent_name(purpose, scheme or "*")


def _take_message(tx: Transaction, message: ImportMessage, done: ImportDone, earlier: set[str]) -> None:
    """Raises FieldError where nobody has heard of the person."""
    owner = customers.owner_of(tx, SCHEME, "", message.person)
    if owner is None:
        if message.person not in earlier:
            raise FieldError(
                f"there is no imported person {message.person[:60]!r}", "import him first, or in a line above"
            )
        done.messages_new += 1
        return
    # A length before what may hold any character: two different pairs never make one key.
    key = f"{len(message.person)}:{message.person}:{message.id}"
    if journal.has(tx, CHANNEL, key):
        done.messages_same += 1
        return
    at = min(message.at, tx.now)
    thread = f"{len(message.person)}:{message.person}:{message.conversation}"
    conversation_id = state.thread_conversation(tx, CHANNEL, thread)
    life = lifecycle.archived(at)
    if conversation_id is None:
        conversation_id = conversations.create(tx, owner.customer_id, life, message.subject or None)
        conversations.save_life(tx, conversation_id, life, 0)
        state.put_thread(tx, CHANNEL, thread, conversation_id, owner.address_id)
    conversation = conversations.held(tx, conversation_id)
    kind, status = _KINDS[message.who]
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        EVENT,
        NewMessage(
            kind=kind,
            channel_id=message.channel,
            author=message.author,
            text=message.text,
            subject=message.subject or None,
            status=status,
            at=at,
            reason=REASON,
        ),
        data={"channel": message.channel},
    )
    if conversation.life.topic == lifecycle.ARCHIVED and conversation.life.state == "closed":
        last = max(at, conversation.life.closed_at or 0)
        conversations.note_message(
            tx,
            conversation,
            lifecycle.archived(last),
            seq=posted.seq,
            kind=kind,
            text=message.text,
            files=0,
            channel_id=message.channel,
            subject=message.subject or None,
            from_customer=False,
            to_customer=False,
        )
        conversations.spoken_at(tx, conversation.id, last)
    else:
        conversations.touch(tx, conversation.id, posted.seq)
    raw = Raw(dedupe_key=key, size=0, data=None, sha256=None, meta={})
    journal.record(tx, CHANNEL, raw, posted.id, conversation.customer_id)
    done.messages_new += 1
