"""Operators' accounts and drafts."""

from __future__ import annotations

import sqlite3

import msgspec

from server.protocol import Addressee, Draft, DraftKind, Forwarded, OperatorInfo, Role
from server.store import uploads
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction


class OperatorExistsError(Exception):
    """The login or the Unix account already belongs to an operator."""


def _from_row(row: sqlite3.Row) -> OperatorInfo:
    return OperatorInfo(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        role=row["role"],
        disabled=bool(row["disabled"]),
        uid=row["uid"],
    )


def add(tx: Transaction, login: str, name: str, role: Role, uid: int | None) -> OperatorInfo:
    """Raises OperatorExistsError."""
    try:
        operator_id = tx.insert(
            "INSERT INTO operator (login, name, role, uid, created_at) VALUES (?, ?, ?, ?, ?)",
            (login, name, role, uid, tx.now),
        )
    except sqlite3.IntegrityError as error:
        taken = "login" if "login" in str(error) else "Unix account"
        raise OperatorExistsError(f"this {taken} already belongs to an operator") from error
    tx.emit("operator.changed", operator_id=operator_id, data={"fields": ["created"]})
    return OperatorInfo(id=operator_id, login=login, name=name, role=role, uid=uid)


def disable(tx: Transaction, login: str) -> OperatorInfo:
    """Raises NotFoundError. What the operator held goes back to the queue."""
    row = tx.first("SELECT * FROM operator WHERE login = ?", (login,))
    if row is None:
        raise NotFoundError("operator", login)
    tx.run("UPDATE operator SET disabled = 1 WHERE id = ?", (row["id"],))
    tx.emit("operator.changed", operator_id=row["id"], data={"fields": ["disabled"]})
    for held in tx.all(
        "SELECT id, customer_id FROM conversation WHERE assignee_id = ? AND state != 'closed'", (row["id"],)
    ):
        seq = tx.emit(
            "conversation.assigned",
            conversation_id=held["id"],
            customer_id=held["customer_id"],
            data={"to": None, "why": "operator disabled"},
        )
        tx.run(
            "UPDATE conversation SET assignee_id = NULL, seq = ?, assigned_seq = ?, assigned_why = '',"
            " given_from = NULL, decline_until = NULL WHERE id = ?",
            (seq, seq, held["id"]),
        )
    info = _from_row(row)
    info.disabled = True
    return info


def enable(tx: Transaction, login: str) -> OperatorInfo:
    """Let a disabled operator in again. Raises NotFoundError. His earlier tokens are ended: nobody knows in
    whose hands they are by now."""
    row = tx.first("SELECT * FROM operator WHERE login = ?", (login,))
    if row is None:
        raise NotFoundError("operator", login)
    info = _from_row(row)
    if info.disabled:
        tx.run("UPDATE operator SET disabled = 0 WHERE id = ?", (info.id,))
        tx.run(
            "UPDATE token SET revoked_at = ? WHERE operator_id = ? AND revoked_at IS NULL", (tx.now, info.id)
        )
        tx.emit("operator.changed", operator_id=info.id, data={"fields": ["enabled"]})
        info.disabled = False
    return info


def everybody(tx: Snapshot) -> list[OperatorInfo]:
    return [_from_row(row) for row in tx.all("SELECT * FROM operator ORDER BY login")]


def by_id(tx: Snapshot, operator_id: int) -> OperatorInfo | None:
    row = tx.first("SELECT * FROM operator WHERE id = ?", (operator_id,))
    return None if row is None else _from_row(row)


def by_uid(tx: Snapshot, uid: int) -> OperatorInfo | None:
    row = tx.first("SELECT * FROM operator WHERE uid = ?", (uid,))
    return None if row is None else _from_row(row)


def save_draft(tx: Transaction, operator_id: int, draft: Draft) -> Draft:
    """Keep a draft; one without anything in it is removed."""
    if not (draft.text or draft.files or draft.forwards):
        tx.run(
            "DELETE FROM draft WHERE operator_id = ? AND conversation_id = ? AND kind = ?",
            (operator_id, draft.conversation_id, draft.kind),
        )
    else:
        tx.run(
            "INSERT INTO draft (operator_id, conversation_id, kind, text, subject, channel_id, address_id,"
            " recipients, upload_ids, forwards, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (operator_id, conversation_id, kind) DO UPDATE SET text = excluded.text,"
            " subject = excluded.subject, channel_id = excluded.channel_id, address_id = excluded.address_id,"
            " recipients = excluded.recipients, upload_ids = excluded.upload_ids,"
            " forwards = excluded.forwards, updated_at = excluded.updated_at",
            (
                operator_id,
                draft.conversation_id,
                draft.kind,
                draft.text,
                draft.subject,
                draft.channel_id,
                draft.address_id,
                msgspec.json.encode([draft.to, draft.cc, draft.bcc]).decode(),
                msgspec.json.encode([file.id for file in draft.files]).decode(),
                None if draft.forwards is None else msgspec.json.encode(draft.forwards).decode(),
                tx.now,
            ),
        )
    draft.updated_at = tx.now
    tx.emit("draft.saved", conversation_id=draft.conversation_id, operator_id=operator_id)
    return draft


def forget_addressees(tx: Transaction, addresses: set[str]) -> None:
    """No draft is to go there any more."""
    gone = {one.casefold() for one in addresses}
    for row in tx.all("SELECT operator_id, conversation_id, kind, recipients FROM draft"):
        named = msgspec.json.decode(row["recipients"], type=list[list[Addressee]])
        left = [[one for one in role if one.address.strip().casefold() not in gone] for role in named]
        if left != named:
            tx.run(
                "UPDATE draft SET recipients = ? WHERE operator_id = ? AND conversation_id = ? AND kind = ?",
                (
                    msgspec.json.encode(left).decode(),
                    row["operator_id"],
                    row["conversation_id"],
                    row["kind"],
                ),
            )


def _draft(tx: Snapshot, row: sqlite3.Row) -> Draft:
    named = msgspec.json.decode(row["recipients"], type=list[list[Addressee]])
    to, cc, bcc = named if len(named) == 3 else ([], [], [])
    return Draft(
        conversation_id=row["conversation_id"],
        kind=row["kind"],
        text=row["text"],
        subject=row["subject"],
        channel_id=row["channel_id"],
        address_id=row["address_id"],
        to=to,
        cc=cc,
        bcc=bcc,
        files=uploads.known(
            tx, row["operator_id"], row["conversation_id"], msgspec.json.decode(row["upload_ids"])
        ),
        forwards=None if row["forwards"] is None else msgspec.json.decode(row["forwards"], type=Forwarded),
        updated_at=row["updated_at"],
    )


def drafts(tx: Snapshot, operator_id: int, conversation_id: int | None = None) -> list[Draft]:
    where = "" if conversation_id is None else " AND conversation_id = :conversation"
    return [
        _draft(tx, row)
        for row in tx.all(
            f"SELECT * FROM draft WHERE operator_id = :me{where} ORDER BY updated_at DESC",
            {"me": operator_id, "conversation": conversation_id},
        )
    ]


def draft(tx: Snapshot, operator_id: int, conversation_id: int, kind: DraftKind) -> Draft:
    """The one of this kind; an empty one where there is none."""
    for one in drafts(tx, operator_id, conversation_id):
        if one.kind == kind:
            return one
    return Draft(conversation_id=conversation_id, kind=kind)
