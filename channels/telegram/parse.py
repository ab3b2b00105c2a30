"""An update of the Bot API → `InboundEvent`s. Pure and total."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from channels.base import EventKind, InboundEvent, Reference, Sender
from channels.json_input import JsonInputError, string, table
from channels.messenger.reading import decode, digest, integer, moment, unreadable
from channels.telegram.content import Content, person_name, read

_START = re.compile(r"/start(?:@\w+)?(?:\s+([A-Za-z0-9_-]{1,64}))?\s*")
_GROUPS: Final = frozenset({"group", "supergroup"})


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What of the settings parsing depends on."""

    bot_id: str = ""
    groups: bool = False
    country: str = ""


def parse_update(raw: bytes, reading: Reading) -> list[InboundEvent]:
    """The events of one update, given as the JSON that Telegram sent: one, or none where it is ignored."""
    try:
        update = decode(raw)
    except JsonInputError as error:
        return [unreadable(raw, str(error))]
    if not isinstance(update, dict):
        return [unreadable(raw, "the update is not a JSON object")]
    number = integer(update.get("update_id"))
    # Ids of updates begin anew after a quiet week; with the message's they never meet again.
    prefix = f"update:{number}" if number is not None else f"body:{digest(raw)}"
    for field, take in _TAKERS.items():
        body = update.get(field)
        if isinstance(body, dict):
            return take(body, f"{prefix}:{field}", reading)
    return [_unsupported(update, prefix)]


# --- who and where --------------------------------------------------------------------------------


def _sender(user: dict[str, Any], content: Content | None = None) -> Sender | None:
    user_id = integer(user.get("id"))
    if user_id is None:
        return None
    return Sender(
        external_id=str(user_id),
        name=person_name(user) or None,
        username=string(user.get("username"), 64) or None,
        locale=string(user.get("language_code"), 35) or None,
        is_account=True,
        contacts=content.contacts if content is not None else (),
    )


def remote_id(chat_id: int, message_id: int) -> str:
    """Telegram numbers messages by chat."""
    return f"{chat_id}:{message_id}"


def _remote(chat: dict[str, Any], message_id: Any) -> str | None:
    chat_id, number = integer(chat.get("id")), integer(message_id)
    return None if chat_id is None or number is None else remote_id(chat_id, number)


def _place(chat: dict[str, Any], reading: Reading) -> tuple[str, str]:
    """(thread, "") where we listen, ("", why) where the update is shown apart, ("", "") to ignore it."""
    chat_id, kind = integer(chat.get("id")), chat.get("type")
    if chat_id is None:
        return "", "it names no chat"
    if kind == "private":
        return str(chat_id), ""
    if isinstance(kind, str) and kind in _GROUPS:
        return (str(chat_id) if reading.groups else ""), ""
    return "", "it is not from a private chat"


# --- kinds of updates -----------------------------------------------------------------------------


def _take_message(
    body: dict[str, Any], key: str, reading: Reading, *, edited: bool = False
) -> list[InboundEvent]:
    chat = table(body.get("chat"))
    thread, why = _place(chat, reading)
    if not thread and not why:
        return []
    user = table(body.get("from"))
    content = read(body, integer(user.get("id")), reading.country)
    sender = _sender(user, content)
    name = _remote(chat, body.get("message_id"))
    if why or sender is None or name is None:
        return [_apart(body, key, why or "it does not say who wrote which message")]
    kind: EventKind = "edit" if edited else "contact_shared" if content.shared_contact else "message"
    start = None if edited else _START.fullmatch(content.text)
    token = ""
    if start is not None:
        kind = "started"
        if start[1]:
            content.detail["payload"] = start[1]
            # In a group everybody would read what goes on there.
            token = start[1] if thread == sender.external_id else ""
    if content.problem:
        kind = "unsupported"
        content.detail["problem"] = content.problem
    album = string(body.get("media_group_id"), 100)
    answered = _remote(chat, table(body.get("reply_to_message")).get("message_id"))
    return [
        InboundEvent(
            kind=kind,
            dedupe_key=f"{key}:{name}",
            sender=sender,
            thread=thread,
            remote_message_id=name,
            references=(Reference(remote_id=answered, how="by reply"),) if answered else (),
            target=name if edited else None,
            part_of=f"album:{album}" if album and kind == "message" else None,
            text=content.text,
            token=token,
            attachments=tuple(content.files),
            occurred_at=moment(body.get("edit_date" if edited else "date")),
            is_echo=sender.external_id == reading.bot_id,
            detail=content.detail,
        )
    ]


def _take_edit(body: dict[str, Any], key: str, reading: Reading) -> list[InboundEvent]:
    return _take_message(body, f"{key}:{string(body.get('edit_date'), 20)}", reading, edited=True)


def _take_callback(body: dict[str, Any], key: str, reading: Reading) -> list[InboundEvent]:
    message = table(body.get("message"))
    chat = table(message.get("chat"))
    sender = _sender(table(body.get("from")))
    if sender is None:
        return [_apart(body, key, "it does not say who pressed the button")]
    thread, why = _place(chat, reading) if chat else (sender.external_id, "")
    if not thread and not why:
        return []
    return [
        InboundEvent(
            kind="callback",
            dedupe_key=f"{key}:{string(body.get('id'), 100)}",
            sender=sender,
            thread=thread or sender.external_id,
            target=_remote(chat, message.get("message_id")),
            text=string(body.get("data"), 1000),
        )
    ]


def _take_reaction(body: dict[str, Any], key: str, reading: Reading) -> list[InboundEvent]:
    chat = table(body.get("chat"))
    thread, why = _place(chat, reading)
    if not thread and not why:
        return []
    sender, target = _sender(table(body.get("user"))), _remote(chat, body.get("message_id"))
    if why or sender is None or target is None:
        return [_apart(body, key, why or "it does not say who reacted to what")]
    now, before = _reactions(body.get("new_reaction")), _reactions(body.get("old_reaction"))
    return [
        InboundEvent(
            kind="reaction",
            dedupe_key=f"{key}:{target}",
            sender=sender,
            thread=thread,
            target=target,
            references=(Reference(remote_id=target, how="by reaction"),),
            text=now,
            occurred_at=moment(body.get("date")),
            detail={} if now else {"reaction removed": before or "all"},
        )
    ]


def _reactions(given: Any) -> str:
    listed = [table(one) for one in given] if isinstance(given, list) else []
    named = {"custom_emoji": "[custom emoji]", "paid": "\N{WHITE MEDIUM STAR}"}
    return " ".join(
        filter(
            None,
            (string(one.get("emoji"), 20) or named.get(string(one.get("type"), 20), "") for one in listed),
        )
    )[:200]


def _take_membership(body: dict[str, Any], key: str, reading: Reading) -> list[InboundEvent]:
    chat = table(body.get("chat"))
    if chat.get("type") != "private":
        return []  # the bot was put into a group or a channel, or taken out
    sender = _sender(table(body.get("from")))
    status = table(body.get("new_chat_member")).get("status")
    kinds: dict[Any, EventKind] = {"kicked": "blocked", "member": "unblocked"}
    if sender is None or not isinstance(status, str) or status not in kinds:
        return [_apart(body, key, "a change of membership that is not understood")]
    return [
        InboundEvent(
            kind=kinds[status],
            dedupe_key=f"{key}:{sender.external_id}",
            sender=sender,
            thread=sender.external_id,
            occurred_at=moment(body.get("date")),
        )
    ]


_TAKERS: Final = {
    "message": _take_message,
    "edited_message": _take_edit,
    "callback_query": _take_callback,
    "message_reaction": _take_reaction,
    "my_chat_member": _take_membership,
}


# --- what is not understood -----------------------------------------------------------------------


def _apart(body: dict[str, Any], key: str, problem: str) -> InboundEvent:
    """Shown, and answerable nowhere: the sender's and the thread's names are no chats of Telegram."""
    chat_id = integer(table(body.get("chat")).get("id"))
    place = f"chat:{chat_id}" if chat_id is not None else f"unknown:{digest(key)[:16]}"
    title = string(table(body.get("chat")).get("title"), 200)
    number = integer(body.get("message_id"))
    return InboundEvent(
        kind="unsupported",
        dedupe_key=f"{key}:{place}:{'' if number is None else number}",
        sender=Sender(
            external_id=place, name=title or person_name(table(body.get("from"))) or None, reachable=False
        ),
        thread=place,
        text=string(body.get("text"), 1000) or string(body.get("caption"), 1000),
        occurred_at=moment(body.get("date")),
        detail={"problem": problem},
    )


def _unsupported(update: dict[str, Any], prefix: str) -> InboundEvent:
    kinds = sorted(name[:50] for name in update if name != "update_id")
    body = next((table(update[name]) for name in update if isinstance(update[name], dict)), {})
    return _apart(
        body, f"{prefix}:{','.join(kinds)[:100]}", f"an update of an unknown kind: {', '.join(kinds)[:200]}"
    )
