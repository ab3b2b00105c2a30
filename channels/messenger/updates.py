"""An update of a messenger → `InboundEvent`s, by the form of its updates. Pure and total."""

from __future__ import annotations

from typing import Any

import msgspec

from channels.base import EventKind, InboundEvent, Reference, Sender
from channels.json_input import JsonInputError
from channels.messenger.content import Content, person_name, read
from channels.messenger.forms import Membership, Pressed, Reacted, Said, UpdateForm
from channels.messenger.paths import at, found, objects, table_at, text_at
from channels.messenger.reading import decode, digest, integer, moment, unreadable


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What of the settings reading depends on."""

    bot_id: str = ""
    groups: bool = False
    country: str = ""


def remote_id(chat: int | str, number: int) -> str:
    """Messengers number messages by chat."""
    return f"{chat}:{number}"


class Reader:
    def __init__(self, form: UpdateForm, reading: Reading) -> None:
        self._form = form
        self._reading = reading

    def events(self, raw: bytes) -> list[InboundEvent]:
        """The events of one update, given as the JSON that came; none where it is ignored."""
        try:
            update = decode(raw)
        except JsonInputError as error:
            return [unreadable(raw, str(error))]
        if not isinstance(update, dict):
            return [unreadable(raw, "the update is not a JSON object")]
        number = integer(at(update, self._form.number))
        # Platforms begin to number anew; with the message's number the two never meet again.
        prefix = f"update:{number}" if number is not None else f"body:{digest(raw)}"
        understood = [
            (kind, body)
            for kind in self._form.kinds
            for body in found(update, kind.at)
            if isinstance(body, dict)
        ]
        if not understood:
            return [self._unsupported(update, prefix)]
        taken = [self._take(kind, body, f"{prefix}:{kind.at}") for kind, body in understood]
        return [event for event in taken if event is not None]

    def _take(
        self, kind: Said | Pressed | Reacted | Membership, body: dict[str, Any], key: str
    ) -> InboundEvent | None:
        match kind:
            case Said():
                return self._said(kind, body, key)
            case Pressed():
                return self._pressed(kind, body, key)
            case Reacted():
                return self._reacted(kind, body, key)
            case Membership():
                return self._membership(kind, body, key)

    # --- who and where ------------------------------------------------------------------------------

    def _sender(self, user: dict[str, Any], content: Content | None = None) -> Sender | None:
        form = self._form.person
        user_id = integer(at(user, form.id))
        if user_id is None:
            return None
        return Sender(
            external_id=str(user_id),
            name=person_name(self._form, user) or None,
            username=text_at(user, form.username, 64) or None,
            locale=text_at(user, form.locale, 35) or None,
            is_account=True,
            contacts=content.contacts if content is not None else (),
        )

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        return table_at(body, self._form.chat.at)

    def _remote(self, chat: dict[str, Any], number: Any) -> str | None:
        where, which = integer(at(chat, self._form.chat.id)), integer(number)
        return None if where is None or which is None else remote_id(where, which)

    def _place(self, chat: dict[str, Any]) -> tuple[str, str]:
        """(thread, "") where we listen, ("", why) where the update is shown apart, ("", "") to ignore it."""
        form = self._form.chat
        chat_id, kind = integer(at(chat, form.id)), at(chat, form.kind)
        if chat_id is None:
            return "", "it names no chat"
        if kind == form.private:
            return str(chat_id), ""
        if isinstance(kind, str) and kind in form.groups:
            return (str(chat_id) if self._reading.groups else ""), ""
        return "", "it is not from a private chat"

    # --- kinds of updates -----------------------------------------------------------------------------

    def _said(self, kind: Said, body: dict[str, Any], key: str) -> InboundEvent | None:
        form, chat = self._form.message, self._chat(body)
        thread, why = self._place(chat)
        if not thread and not why:
            return None
        if kind.edited:
            key = f"{key}:{text_at(body, kind.edited, 20)}"
        user = table_at(body, kind.sender)
        content = read(self._form, body, integer(at(user, self._form.person.id)), self._reading.country)
        sender, name = self._sender(user, content), self._remote(chat, at(body, form.number))
        if why or sender is None or name is None:
            return self._apart(body, key, why or "it does not say who wrote which message")
        what: EventKind = "edit" if kind.edited else "contact_shared" if content.shared_contact else "message"
        start = None if kind.edited else form.start.fullmatch(content.text)
        token = ""
        if start is not None:
            what = "started"
            if start[1]:
                content.detail["payload"] = start[1]
                # In a group everybody would read what goes on there.
                token = start[1] if thread == sender.external_id else ""
        if content.problem:
            what = "unsupported"
            content.detail["problem"] = content.problem
        album = text_at(body, form.album, 100)
        answered = self._remote(chat, at(body, form.answers))
        return InboundEvent(
            kind=what,
            dedupe_key=f"{key}:{name}",
            sender=sender,
            thread=thread,
            remote_message_id=name,
            references=(Reference(remote_id=answered, how="by reply"),) if answered else (),
            target=name if kind.edited else None,
            part_of=f"album:{album}" if album and what == "message" else None,
            text=content.text,
            token=token,
            attachments=tuple(content.files),
            occurred_at=moment(at(body, kind.edited or form.date)),
            is_echo=sender.external_id == self._reading.bot_id,
            detail=content.detail,
        )

    def _pressed(self, kind: Pressed, body: dict[str, Any], key: str) -> InboundEvent | None:
        message = table_at(body, kind.message)
        chat, sender = self._chat(message), self._sender(table_at(body, kind.sender))
        if sender is None:
            return self._apart(body, key, "it does not say who pressed the button")
        thread, why = self._place(chat) if chat else (sender.external_id, "")
        if not thread and not why:
            return None
        return InboundEvent(
            kind="callback",
            dedupe_key=f"{key}:{text_at(body, kind.id, 100)}",
            sender=sender,
            thread=thread or sender.external_id,
            target=self._remote(chat, at(message, self._form.message.number)),
            text=text_at(body, kind.data, 1000),
        )

    def _reacted(self, kind: Reacted, body: dict[str, Any], key: str) -> InboundEvent | None:
        chat = self._chat(body)
        thread, why = self._place(chat)
        if not thread and not why:
            return None
        sender, target = self._sender(table_at(body, kind.sender)), self._remote(chat, at(body, kind.number))
        if why or sender is None or target is None:
            return self._apart(body, key, why or "it does not say who reacted to what")
        now, before = _reactions(kind, at(body, kind.now)), _reactions(kind, at(body, kind.before))
        return InboundEvent(
            kind="reaction",
            dedupe_key=f"{key}:{target}",
            sender=sender,
            thread=thread,
            target=target,
            references=(Reference(remote_id=target, how="by reaction"),),
            text=now,
            occurred_at=moment(at(body, kind.date)),
            detail={} if now else {"reaction removed": before or "all"},
        )

    def _membership(self, kind: Membership, body: dict[str, Any], key: str) -> InboundEvent | None:
        if at(self._chat(body), self._form.chat.kind) != self._form.chat.private:
            return None  # the bot was put into a group or a channel, or taken out
        sender, status = self._sender(table_at(body, kind.sender)), at(body, kind.status)
        if sender is None or not isinstance(status, str) or status not in kind.kinds:
            return self._apart(body, key, "a change of membership that is not understood")
        return InboundEvent(
            kind=kind.kinds[status],
            dedupe_key=f"{key}:{sender.external_id}",
            sender=sender,
            thread=sender.external_id,
            occurred_at=moment(at(body, kind.date)),
        )

    # --- what is not understood -----------------------------------------------------------------------

    def _apart(self, body: dict[str, Any], key: str, problem: str) -> InboundEvent:
        """Shown, and answerable nowhere: the sender's and the thread's names are no chats of the platform."""
        form, chat = self._form.message, self._chat(body)
        chat_id = integer(at(chat, self._form.chat.id))
        place = f"chat:{chat_id}" if chat_id is not None else f"unknown:{digest(key)[:16]}"
        writers = (person_name(self._form, table_at(body, kind.sender)) for kind in self._form.kinds)
        name = text_at(chat, self._form.chat.title, 200) or next(filter(None, writers), None)
        number = integer(at(body, form.number))
        return InboundEvent(
            kind="unsupported",
            dedupe_key=f"{key}:{place}:{'' if number is None else number}",
            sender=Sender(external_id=place, name=name, reachable=False),
            thread=place,
            text=text_at(body, form.text, 1000),
            occurred_at=moment(at(body, form.date)),
            detail={"problem": problem},
        )

    def _unsupported(self, update: dict[str, Any], prefix: str) -> InboundEvent:
        kinds = sorted(name[:50] for name in update if name != self._form.number)
        body: dict[str, Any] = next((one for one in update.values() if isinstance(one, dict)), {})
        return self._apart(
            body,
            f"{prefix}:{','.join(kinds)[:100]}",
            f"an update of an unknown kind: {', '.join(kinds)[:200]}",
        )


def _reactions(kind: Reacted, given: Any) -> str:
    named = (
        text_at(one, kind.emoji, 20) or kind.named.get(text_at(one, kind.kind, 20), "")
        for one in objects(given)
    )
    return " ".join(filter(None, named))[:200]
