"""Tokens: made, found by their number, revoked. Only the SHA-256 of a secret is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3

import msgspec

from server.protocol import NewToken, OperatorInfo, Scope, TokenInfo, TokenMade
from server.store import operators
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction

SECRET_BYTES = 32
MINUTE_MS = 60_000
# omni_<number>_<secret>: the number finds the row, the secret is what is compared.
WRITTEN = re.compile(r"omni_([1-9][0-9]{0,17})_([0-9a-f]{64})")
# Compared where there is no such token, so that the time of a refusal says nothing.
_NO_DIGEST = bytes(hashlib.sha256().digest_size)

_SELECT = "SELECT token.*, operator.login FROM token JOIN operator ON operator.id = token.operator_id"


class TokenRefusedError(Exception):
    """Why a token is not accepted: for the server's log, never for whoever sent it."""


class TokenImpossibleError(Exception):
    """Nobody may be given this token."""


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an accepted token speaks for, and how far."""

    token_id: int
    operator: OperatorInfo
    scope: Scope
    expires_at: int | None
    last_used_at: int | None


def _from_row(row: sqlite3.Row) -> TokenInfo:
    return TokenInfo(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        scope=row["scope"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def digest(secret: str) -> bytes:
    """256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(secret.encode("ascii")).digest()


def add(tx: Transaction, login: str, new: NewToken, by: int | None = None) -> TokenMade:
    """Make a token for `login`; the only time that it is seen. Raises NotFoundError, TokenImpossibleError."""
    operator_id = tx.value("SELECT id FROM operator WHERE login = ?", (login,))
    operator = None if operator_id is None else operators.by_id(tx, operator_id)
    if operator is None:
        raise NotFoundError("operator", login)
    if operator.disabled:
        raise TokenImpossibleError(f"the account {login} is disabled")
    secret = secrets.token_hex(SECRET_BYTES)
    expires_at = None if new.expires_in_s is None else tx.now + new.expires_in_s * 1000
    token_id = tx.insert(
        "INSERT INTO token (operator_id, name, scope, digest, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (operator.id, new.name, new.scope, digest(secret), tx.now, expires_at),
    )
    _tell(tx, operator.id, "token added", token_id, by)
    return TokenMade(token=f"omni_{token_id}_{secret}", info=_one(tx, token_id))


def revoke(tx: Transaction, token_id: int, by: int | None = None) -> TokenInfo:
    """From the commit on it is refused. Raises NotFoundError where there is none (any more)."""
    if not tx.run("UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (tx.now, token_id)):
        raise NotFoundError("token", token_id)
    operator_id = tx.value("SELECT operator_id FROM token WHERE id = ?", (token_id,))
    _tell(tx, operator_id, "token revoked", token_id, by)
    return _one(tx, token_id)


def _tell(tx: Transaction, operator_id: int, what: str, token_id: int, by: int | None) -> None:
    data = {"fields": ["tokens"], "why": what, "token": token_id, "by": by}
    tx.emit("operator.changed", operator_id=operator_id, data=data)


def _one(tx: Snapshot, token_id: int) -> TokenInfo:
    row = tx.first(f"{_SELECT} WHERE token.id = ?", (token_id,))
    if row is None:
        raise NotFoundError("token", token_id)
    return _from_row(row)


def listed(tx: Snapshot, login: str | None = None) -> list[TokenInfo]:
    """Those that are not revoked, the newest first. Raises NotFoundError for a login that is nobody's."""
    if login is None:
        rows = tx.all(f"{_SELECT} WHERE revoked_at IS NULL ORDER BY token.id DESC")
    else:
        if tx.value("SELECT 1 FROM operator WHERE login = ?", (login,)) is None:
            raise NotFoundError("operator", login)
        rows = tx.all(f"{_SELECT} WHERE revoked_at IS NULL AND login = ? ORDER BY token.id DESC", (login,))
    return [_from_row(row) for row in rows]


def bearer(tx: Snapshot, written: str) -> Bearer:
    """Whom the text of a token speaks for now. Raises TokenRefusedError."""
    found = WRITTEN.fullmatch(written)
    if found is None:
        raise TokenRefusedError("not a token of this server's making")
    row = tx.first("SELECT * FROM token WHERE id = ?", (int(found[1]),))
    if not hmac.compare_digest(digest(found[2]), _NO_DIGEST if row is None else row["digest"]):
        raise TokenRefusedError("no such token")
    if row is None:
        raise TokenRefusedError("no such token")
    return _usable(tx, row)


def still(tx: Snapshot, token_id: int) -> Bearer:
    """The same question for a token that was accepted before. Raises TokenRefusedError."""
    row = tx.first("SELECT * FROM token WHERE id = ?", (token_id,))
    if row is None:
        raise TokenRefusedError("no such token")
    return _usable(tx, row)


def _usable(tx: Snapshot, row: sqlite3.Row) -> Bearer:
    number = row["id"]
    if row["revoked_at"] is not None:
        raise TokenRefusedError(f"token {number} was revoked")
    if row["expires_at"] is not None and row["expires_at"] <= tx.now:
        raise TokenRefusedError(f"token {number} has expired")
    operator = operators.by_id(tx, row["operator_id"])
    if operator is None or operator.disabled:
        raise TokenRefusedError(f"token {number} is of a disabled account")
    return Bearer(
        token_id=number,
        operator=operator,
        scope=row["scope"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def note_use(tx: Transaction, token_id: int) -> None:
    tx.run("UPDATE token SET last_used_at = ? WHERE id = ?", (tx.now // MINUTE_MS * MINUTE_MS, token_id))
