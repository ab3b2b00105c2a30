"""Tokens in the store, and how far they let somebody go."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_args

import pytest

from server.clock import HeldClock
from server.operators import Action, authorise
from server.protocol import NewToken, OperatorInfo, Role, Scope
from server.store import migrations, offline, operators, tokens
from server.store.conversations import NotFoundError
from server.store.database import open_writer, run_batch
from server.store.migrations import known, migrate
from server.store.tokens import TokenImpossibleError, TokenRefusedError
from server.store.transaction import Transaction

T = TypeVar("T")
DAY_MS = 86_400_000
ACTIONS: tuple[Action, ...] = get_args(Action)


class Store:
    """A database on the disk and a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.path = offline.create(folder)
        self.clock = HeldClock()
        self.connection = open_writer(self.path)

    def __call__(self, fn: Callable[[Transaction], T]) -> T:
        [outcome] = run_batch(self.connection, [fn], self.clock.now())
        if outcome.error is not None:
            raise outcome.error
        result: T = outcome.result
        return result

    def refusal(self, written: str) -> str:
        with pytest.raises(TokenRefusedError) as caught:
            self(lambda tx: tokens.bearer(tx, written))
        return str(caught.value)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    made(lambda tx: operators.add(tx, "olga", "Olga", "operator", 4711))
    made(lambda tx: operators.add(tx, "ivan", "Ivan", "operator", 4712))
    return made


def test_a_token_speaks_for_its_operator(store: Store) -> None:
    made = store(lambda tx: tokens.add(tx, "olga", NewToken(name="bot", scope="read", expires_in_s=60)))
    assert re.fullmatch(r"omni_1_[0-9a-f]{64}", made.token)
    assert (made.info.login, made.info.name, made.info.scope) == ("olga", "bot", "read")
    bearer = store(lambda tx: tokens.bearer(tx, made.token))
    assert (bearer.operator.login, bearer.scope, bearer.token_id) == ("olga", "read", made.info.id)
    assert bearer.expires_at == store.clock.now() + 60_000
    other = store(lambda tx: tokens.add(tx, "olga", NewToken()))
    assert other.token.partition("_1_")[2] != other.token
    assert store(lambda tx: tokens.bearer(tx, other.token)).scope == "write"


def test_the_secret_is_nowhere_in_the_database(store: Store) -> None:
    made = store(lambda tx: tokens.add(tx, "olga", NewToken()))
    secret = made.token.rpartition("_")[2]
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = store.path.read_bytes()
    assert hashlib.sha256(secret.encode()).digest() in data
    assert secret.encode() not in data
    assert bytes.fromhex(secret) not in data


def test_what_is_no_token_is_refused(store: Store) -> None:
    token = store(lambda tx: tokens.add(tx, "olga", NewToken())).token
    head, secret = token.rpartition("_")[0], token.rpartition("_")[2]
    wrong = f"{head}_{'0' * 64}"
    for written in (wrong, f"omni_2_{secret}", f"omni_{10**17}_{secret}"):
        assert store.refusal(written) == "no such token"
    for written in (
        "",
        "omni",
        secret,
        f"omni__{secret}",
        f"omni_-1_{secret}",
        f"omni_01_{secret}",
        f"omni_{10**18}_{secret}",
        f"omni_１_{secret}",
        token.upper(),
        f"{token}\n",
        f"{token}0",
        token[:-1],
        f"{head}_{'é' * 64}",
    ):
        assert "not a token" in store.refusal(written), written
    assert store(lambda tx: tokens.bearer(tx, token)).operator.login == "olga"


def test_a_row_without_a_digest_accepts_nothing(store: Store) -> None:
    """What stands in for the digest of a token that there is not must not open one."""
    store(lambda tx: tokens.add(tx, "olga", NewToken()))
    store(lambda tx: tx.run("UPDATE token SET digest = ?", (tokens._NO_DIGEST,)))
    assert store.refusal(f"omni_1_{'0' * 64}") == "no such token"


def test_revoked_expired_and_disabled(store: Store) -> None:
    made = [store(lambda tx: tokens.add(tx, "olga", NewToken(expires_in_s=86_400))) for _ in range(3)]
    forever = store(lambda tx: tokens.add(tx, "ivan", NewToken()))
    store(lambda tx: tokens.revoke(tx, made[0].info.id))
    assert "revoked" in store.refusal(made[0].token)
    with pytest.raises(NotFoundError):
        store(lambda tx: tokens.revoke(tx, made[0].info.id))
    with pytest.raises(NotFoundError):
        store(lambda tx: tokens.revoke(tx, 99))
    store.clock.advance(DAY_MS - 1)
    assert store(lambda tx: tokens.bearer(tx, made[1].token)).token_id == made[1].info.id
    store.clock.advance(1)
    assert "expired" in store.refusal(made[1].token)
    assert store(lambda tx: tokens.still(tx, forever.info.id)).expires_at is None
    store(lambda tx: operators.disable(tx, "ivan"))
    assert "disabled" in store.refusal(forever.token)
    with pytest.raises(TokenRefusedError, match="disabled"):
        store(lambda tx: tokens.still(tx, forever.info.id))


def test_who_can_have_one(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store(lambda tx: tokens.add(tx, "nobody", NewToken()))
    store(lambda tx: operators.disable(tx, "ivan"))
    with pytest.raises(TokenImpossibleError, match="disabled"):
        store(lambda tx: tokens.add(tx, "ivan", NewToken()))


def test_the_list(store: Store) -> None:
    for login in ("olga", "ivan", "olga"):
        store(lambda tx, login=login: tokens.add(tx, login, NewToken(name=login)))  # type: ignore[misc]
    store(lambda tx: tokens.revoke(tx, 1))
    assert [one.id for one in store(tokens.listed)] == [3, 2]
    assert [one.id for one in store(lambda tx: tokens.listed(tx, "ivan"))] == [2]
    with pytest.raises(NotFoundError):
        store(lambda tx: tokens.listed(tx, "nobody"))
    store(lambda tx: tokens.note_use(tx, 2))
    [used] = store(lambda tx: tokens.listed(tx, "ivan"))
    assert used.last_used_at == store.clock.now() // 60_000 * 60_000


def test_the_log_says_who_made_and_revoked_but_no_secret(store: Store) -> None:
    made = store(lambda tx: tokens.add(tx, "olga", NewToken(name="private name"), by=2))
    store(lambda tx: tokens.revoke(tx, made.info.id, by=2))
    rows = store(lambda tx: tx.all("SELECT kind, operator_id, data FROM event ORDER BY seq DESC LIMIT 2"))
    for row, why in zip(rows, ("token revoked", "token added"), strict=True):
        assert (row["kind"], row["operator_id"]) == ("operator.changed", 1)
        assert f'"why":"{why}"' in row["data"]
        assert '"by":2' in row["data"]
        assert "private" not in row["data"]


ROLES: list[tuple[Role, set[Action]]] = [
    ("admin", {"look", "remark", "read", "write", "curate", "administer"}),
    ("lead", {"look", "remark", "read", "write", "curate"}),
    ("operator", {"look", "remark", "read", "write"}),
    ("reader", {"look", "read"}),
    ("collaborator", {"look", "remark"}),
]
SCOPES: list[tuple[Scope, set[Action]]] = [
    ("admin", {"look", "remark", "read", "write", "curate", "administer"}),
    ("write", {"look", "remark", "read", "write", "curate"}),
    ("read", {"look", "read"}),
]


@pytest.mark.parametrize(("scope", "within"), SCOPES)
@pytest.mark.parametrize(("role", "allowed"), ROLES)
def test_a_scope_never_widens_a_role(
    role: Role, allowed: set[Action], scope: Scope, within: set[Action]
) -> None:
    somebody = OperatorInfo(id=1, login="olga", name="Olga", role=role)
    assert {action for action in ACTIONS if authorise(somebody, action, scope=scope)} == allowed & within
    somebody.disabled = True
    assert not any(authorise(somebody, action, scope=scope) for action in ACTIONS)


def test_a_database_of_the_first_version_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "omni.sqlite3"
    monkeypatch.setattr(migrations, "known", lambda: known()[:1])
    migrate(path, "1")
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO operator (login, name, role, uid, created_at) VALUES ('olga', 'Ольга', 'admin', 1, 2)"
    )
    connection.commit()
    connection.close()
    monkeypatch.setattr(migrations, "known", known)
    assert migrate(path, "2") == len(known()) - 1
    assert (tmp_path / f"omni.sqlite3.before-{len(known())}.2").exists()
    made = offline.write(tmp_path, lambda tx: tokens.add(tx, "olga", NewToken()))
    assert made.info.login == "olga"
    assert offline.write(tmp_path, lambda tx: tokens.bearer(tx, made.token)).operator.name == "Ольга"
