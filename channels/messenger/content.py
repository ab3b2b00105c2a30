"""What a message holds, read by its form: text, files by name, what it says of places and people. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from channels.base import Attachment, Contact
from channels.json_input import string
from channels.messenger.forms import CardForm, FileForm, MessageForm, SpotForm, UpdateForm
from channels.messenger.paths import at, found, table_at, text_at
from channels.messenger.reading import attachment, extension, integer, joined, place, shared_phone

TEXT_MAX = 20_000
QUOTE_MAX = 1000
NAME_MAX = 200
PERSON_MAX = 100
ID_MAX = 300


class Content(msgspec.Struct, kw_only=True):
    text: str = ""
    files: list[Attachment] = []
    detail: dict[str, str] = {}
    contacts: tuple[Contact, ...] = ()
    shared_contact: bool = False
    problem: str = ""  # there is nothing in it that can be shown

    def say(self, line: str) -> None:
        self.text = "\n".join(filter(None, [self.text, line]))


def read(form: UpdateForm, message: dict[str, Any], sender_id: int | None, country: str) -> Content:
    """Everything of a message but who wrote it where and when. `country`: for phones without a code."""
    says = form.message
    content = Content(text=text_at(message, says.text, TEXT_MAX))
    content.files = _files(form, message)
    if says.spot is not None:
        _place(says.spot, message, content)
    if says.card is not None:
        _contact(form, says.card, message, sender_id, country, content)
    if quoted := text_at(message, says.quote, QUOTE_MAX):
        content.detail["quote"] = quoted
    if forwarded := _forwarded_from(form, message):
        content.detail["forwarded_from"] = forwarded
    if not content.text and not content.files:
        # Polls, games, gifts, messages of the service, and whatever will be invented.
        content.problem = f"a message that cannot be shown here: {_unknown(says, message) or 'empty'}"
    return content


def person_name(form: UpdateForm, person: dict[str, Any]) -> str:
    return joined((at(person, path) for path in form.person.name), PERSON_MAX)


def _unknown(says: MessageForm, message: dict[str, Any]) -> str:
    return ", ".join(sorted(name for name in message if not says.envelope.fullmatch(name)))[:200]


def _files(form: UpdateForm, message: dict[str, Any]) -> list[Attachment]:
    return [
        _file(form, kind, given)
        for kind in form.message.files
        if not (kind.unless and found(message, kind.unless))
        for given in found(message, kind.at)
        if isinstance(given, dict)
    ]


def _file(form: UpdateForm, kind: FileForm, given: dict[str, Any]) -> Attachment:
    says = form.message.file
    name, content_type = (kind.name, kind.type) if isinstance(kind.name, str) else kind.name(given)
    content_type = text_at(given, says.type, 100) or content_type
    return attachment(
        text_at(given, says.ref, ID_MAX),
        at(given, says.size),
        kind.kind,
        text_at(given, says.name, NAME_MAX) or name + extension(content_type),
        content_type,
        f"{form.platform} gave no {says.ref} for it",
    )


def _place(spot: SpotForm, message: dict[str, Any], content: Content) -> None:
    for path in spot.at:
        named = joined((at(message, name) for name in spot.named), 300, ", ")
        given = table_at(message, path)
        stands = place(at(given, spot.latitude), at(given, spot.longitude), named)
        if stands is not None:
            content.detail |= stands[0]
            content.say(stands[1])
            return


def _contact(
    form: UpdateForm,
    says: CardForm,
    message: dict[str, Any],
    sender_id: int | None,
    country: str,
    content: Content,
) -> None:
    """Only for the number on the sender's own card does the platform vouch."""
    card = table_at(message, says.at)
    given = text_at(card, says.phone, 60).strip()
    if not given:
        return
    own = sender_id is not None and integer(at(card, says.owner)) == sender_id
    line, proof = shared_phone(given, person_name(form, card), country, own, says.evidence)
    content.shared_contact = True
    content.detail["contact"] = "own" if own else "somebody else's"
    content.contacts = (proof,) if proof is not None else ()
    content.say(line)


def _forwarded_from(form: UpdateForm, message: dict[str, Any]) -> str:
    for path in form.message.forwarded:
        given = at(message, path)
        name = person_name(form, given) if isinstance(given, dict) else string(given, NAME_MAX)
        if name:
            return name
    origins = (path.rpartition(".")[0] for path in form.message.forwarded)
    return "somebody" if any(table_at(message, origin) for origin in origins if origin) else ""
