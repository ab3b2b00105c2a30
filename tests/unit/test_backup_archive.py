"""Backups: what an archive holds, and every way in which one must not be believed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from server.backup import COPY, Backup, Manifest
from server.fates import declare_unknown
from server.restore import ArchiveError, restore, verify
from server.store import backup, events, messages, migrations, offline, outbox, switch
from server.store.blobs import BlobStore
from server.store.database import open_writer
from server.store.errors import StoreError
from server.store.migrations import known
from server.store.transaction import Transaction

ROOT = Path(__file__).parents[2]
NOW = 1_790_000_000_000
FILE = b"a picture" * 1000


def fill(tx: Transaction, sha256: str) -> None:
    """A customer, who wrote with a file, and three replies: one sent, one waiting, one being sent."""
    tx.run("INSERT INTO customer (id, name, created_at) VALUES (1, 'Ivan', 1)")
    tx.run(
        "INSERT INTO address (id, customer_id, scheme, account, external_id, verified, created_at)"
        " VALUES (1, 1, 'email', '', 'ivan@example.org', 1, 1)"
    )
    tx.run(
        "INSERT INTO conversation (id, customer_id, state, sort_at, opened_at) VALUES (1, 1, 'waiting', 1, 1)"
    )
    for number, (kind, status) in enumerate(
        [("in", "received"), ("out", "sent"), ("out", "queued"), ("out", "sending")], start=1
    ):
        seq = tx.emit("message.received", conversation_id=1, customer_id=1, message_id=number)
        tx.run(
            "INSERT INTO message (id, conversation_id, customer_id, kind, text, status, at, received_at, seq,"
            " address_id, search_id, channel_id) VALUES (?, 1, 1, ?, 'text', ?, 1, 1, ?, 1, ?, 'mail')",
            (number, kind, status, seq, number),
        )
        if kind == "out":
            tx.run(
                "INSERT INTO outbox (message_id, channel_id, thread, state, due_at, created_at)"
                " VALUES (?, 'mail', 't', ?, 1, 1)",
                (number, status),
            )
    tx.run(
        "INSERT INTO attachment (message_id, name, content_type, kind, size, sha256)"
        " VALUES (1, 'p.png', 'image/png', 'file', ?, ?)",
        (len(FILE), sha256),
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    offline.create(folder)
    blobs = BlobStore(folder / offline.BLOBS)
    blobs.prepare()
    sha256 = blobs.put(FILE)
    offline.write(folder, lambda tx: fill(tx, sha256))
    return folder


def archive(data_dir: Path) -> tuple[bytes, Manifest]:
    out = io.BytesIO()
    with contextlib.closing(Backup(data_dir)) as made:
        made.prepare()
        manifest = made.write(out, "1.0", NOW)
    return out.getvalue(), manifest


def members(raw: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        found = []
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            found.append((member.name, content.read()))
        return found


def packed(parts: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in parts:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def fresh(tmp_path: Path) -> Path:
    target = tmp_path / "elsewhere"
    target.mkdir(exist_ok=True)
    return target


# --- what is in it ------------------------------------------------------------------------------------


def test_an_archive_holds_everything_and_leaves_nothing_behind(data: Path) -> None:
    raw, manifest = archive(data)
    sha256 = hashlib.sha256(FILE).hexdigest()
    names = [name for name, _ in members(raw)]
    assert names == ["omni.sqlite3", f"files/{sha256[:2]}/{sha256}", "manifest.json"]
    assert manifest.counts["message"] == 4
    assert (manifest.schema, manifest.newest_seq, manifest.files) == (len(known()), 4, {sha256: len(FILE)})
    assert verify(io.BytesIO(raw)) == manifest
    assert not list(data.glob(f"{COPY}*"))


def test_a_copy_is_of_one_moment_and_is_not_begun_again_by_writers(data: Path, tmp_path: Path) -> None:
    offline.write(
        data,
        lambda tx: [tx.emit("filler", data={"x": "y" * 2000}) for _ in range(8000)],
    )
    looks = 0
    writer = open_writer(data / offline.DATABASE)

    def write_meanwhile() -> bool:
        nonlocal looks
        looks += 1
        writer.execute("INSERT INTO event (at, kind) VALUES (1, 'meanwhile')")
        return False

    with contextlib.closing(writer):
        backup.snapshot(data / offline.DATABASE, tmp_path / "copy", write_meanwhile)
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
    assert 3 < looks <= pages // backup.STEP_PAGES + 2, "it was begun again"
    with contextlib.closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT count(*) FROM event WHERE kind = 'meanwhile'").fetchone()[0] == 0
        assert copy.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600


def test_it_ends_when_it_is_told_to(data: Path) -> None:
    with contextlib.closing(Backup(data, lambda: True)) as made, pytest.raises(backup.StoppedError):
        made.prepare()
    assert not list(data.glob(f"{COPY}*"))


def test_what_an_earlier_one_left_is_no_obstacle(data: Path) -> None:
    (data / COPY).write_bytes(b"half a copy")
    archive(data)
    assert not (data / COPY).exists()


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_lost_file_does_not_keep_the_rest_from_being_saved(data: Path, tmp_path: Path, damage: str) -> None:
    sha256 = hashlib.sha256(FILE).hexdigest()
    path = BlobStore(data / offline.BLOBS).path(sha256)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"x" + FILE[1:])
    raw, manifest = archive(data)
    assert (manifest.absent, manifest.files) == ((sha256,), {})
    assert restore(io.BytesIO(raw), fresh(tmp_path)).manifest.absent == (sha256,)


def test_a_damaged_database_is_not_handed_out_as_a_backup(data: Path) -> None:
    path = data / offline.DATABASE
    with contextlib.closing(open_writer(path)) as writer:
        page = writer.execute("PRAGMA page_size").fetchone()[0]
        root = writer.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message'").fetchone()[0]
    with open(path, "r+b") as file:
        file.seek((root - 1) * page)
        file.write(os.urandom(page))
    with contextlib.closing(Backup(data)) as made, pytest.raises(StoreError, match="damaged"):
        made.prepare()


def test_it_does_not_eat_the_last_of_the_disk(data: Path) -> None:
    with contextlib.closing(Backup(data)) as made, pytest.raises(StoreError, match="needs"):
        made.prepare(reserve=1 << 60)


# --- what is put in place -----------------------------------------------------------------------------


def test_everything_is_there_again_for_its_owner_alone(data: Path, tmp_path: Path) -> None:
    raw, manifest = archive(data)
    target = fresh(tmp_path)
    restored = restore(io.BytesIO(raw), target)
    assert (restored.manifest, restored.aside) == (manifest, None)
    assert sorted(found.name for found in target.iterdir()) == ["files", "omni.sqlite3"]
    assert BlobStore(target / offline.BLOBS).read(hashlib.sha256(FILE).hexdigest()) == FILE
    for found in target.rglob("*"):
        assert stat.S_IMODE(found.stat().st_mode) == (0o700 if found.is_dir() else 0o600), found
    backup.check(target / offline.DATABASE)


def test_what_was_not_surely_sent_is_unknown_and_shown(data: Path, tmp_path: Path) -> None:
    raw, _ = archive(data)
    target = fresh(tmp_path)
    assert restore(io.BytesIO(raw), target).unknown == 2

    def look(tx: Transaction) -> tuple[list[tuple[int, str]], int, list[str]]:
        states = [tuple(row) for row in tx.all("SELECT message_id, state FROM outbox ORDER BY 1")]
        shown = [row["status"] for row in tx.all("SELECT status FROM message ORDER BY id")]
        return states, tx.value("SELECT unsettled FROM conversation"), shown

    states, unsettled, shown = offline.write(target, look)
    assert states == [(2, "sent"), (3, "unknown"), (4, "unknown")]
    assert (unsettled, shown) == (2, ["received", "sent", "unknown", "unknown"])


def test_no_number_is_given_out_a_second_time(data: Path, tmp_path: Path) -> None:
    """The old server went on after the backup: others have seen the numbers that it gave out then."""
    raw, manifest = archive(data)
    taken = offline.write(data, lambda tx: (messages.next_id(tx), tx.emit("message.queued")))
    firsts = set()
    for name in ("once", "twice"):
        target = tmp_path / name
        target.mkdir()
        restore(io.BytesIO(raw), target)
        message_id, seq = offline.write(target, lambda tx: (messages.next_id(tx), tx.emit("message.queued")))
        assert message_id > taken[0]
        assert seq > taken[1]
        assert seq < 1 << 53, "consoles and widgets count with doubles"
        firsts.add(message_id)
        # A console that read up to what is no more must load everything anew; one that did not goes on.
        reaches = offline.write(
            target, lambda tx: [events.reaches_back_to(tx, at) for at in (manifest.newest_seq, taken[1])]
        )
        assert reaches == [True, False]
    assert len(firsts) == 2


def test_what_is_there_is_respected(data: Path) -> None:
    raw, _ = archive(data)
    before = (data / offline.DATABASE).read_bytes()
    with pytest.raises(StoreError, match="holds"):
        restore(io.BytesIO(raw), data)
    assert (data / offline.DATABASE).read_bytes() == before


def test_what_is_there_is_put_aside_whole(data: Path) -> None:
    raw, _ = archive(data)
    offline.write(data, lambda tx: tx.emit("written.after"))
    restored = restore(io.BytesIO(raw), data, replace=True)
    assert restored.aside is not None
    assert restored.aside.parent == data
    old = offline.write(restored.aside, lambda tx: [event.kind for event in events.after(tx, 4, 9)])
    new = offline.write(data, lambda tx: [event.kind for event in events.after(tx, 4, 9)])
    assert old == ["written.after"]
    assert new[0] == "server.restored"
    assert (restored.aside / offline.BLOBS).is_dir()


# --- what is refused ----------------------------------------------------------------------------------


def change(raw: bytes, how: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> bytes:
    return packed(how(members(raw)))


def remade(raw: bytes, **fields: object) -> bytes:
    """The archive with another manifest."""

    def how(parts: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        manifest = msgspec.json.decode(parts[-1][1])
        return [*parts[:-1], ("manifest.json", msgspec.json.encode(manifest | fields))]

    return change(raw, how)


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "no archive": lambda raw: b"once upon a time " * 1000,
    "cut in the database": lambda raw: raw[:50_000],
    "cut before the manifest": lambda raw: change(raw, lambda parts: parts[:-1]),
    "half of it": lambda raw: raw[: len(raw) // 2],
    "one bit of the database": lambda raw: flip(raw, 30_000),
    "one bit of a file": lambda raw: flip(raw, raw.index(FILE) + 100),
    "a file left out": lambda raw: change(raw, lambda parts: [parts[0], parts[2]]),
    "a file more": lambda raw: change(
        raw, lambda parts: [parts[0], (f"files/aa/{'aa' * 32}", b"x"), *parts[1:]]
    ),
    "a file twice": lambda raw: change(raw, lambda parts: [*parts[:2], parts[1], parts[2]]),
    "something after the manifest": lambda raw: change(raw, lambda parts: [*parts, parts[1]]),
    "a name that climbs": lambda raw: change(raw, lambda parts: [("../../evil", b"x"), *parts]),
    "a name that climbs out of files": lambda raw: change(
        raw, lambda parts: [("files/../../evil", b"x"), *parts]
    ),
    "an absolute name": lambda raw: change(raw, lambda parts: [("/tmp/evil", b"x"), *parts]),  # noqa: S108
    "a name of ours in the wrong folder": lambda raw: change(
        raw, lambda parts: [(f"files/ab/{'cd' * 32}", b"x"), *parts]
    ),
    "a manifest of another time": lambda raw: remade(raw, newest_seq=999),
    "a manifest of a later format": lambda raw: remade(raw, format=2),
    "a manifest that is none": lambda raw: change(
        raw, lambda parts: [*parts[:-1], ("manifest.json", b"[1]")]
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("replace", [False, True])
def test_a_broken_or_hostile_archive_changes_nothing(
    name: str, replace: bool, data: Path, tmp_path: Path
) -> None:
    raw, _ = archive(data)
    bad = HOSTILE[name](raw)
    target = data if replace else fresh(tmp_path)
    before = sorted((str(found), found.stat().st_size) for found in tmp_path.rglob("*"))
    with pytest.raises(ArchiveError) as caught:
        restore(io.BytesIO(bad), target, replace)
    assert caught.value.hint
    assert sorted((str(found), found.stat().st_size) for found in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_plain_files_are_taken(kind: bytes, data: Path, tmp_path: Path) -> None:
    raw, _ = archive(data)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("omni.sqlite3")
        info.type = kind
        info.linkname = "/etc/passwd"
        tar.addfile(info)
        for name, content in members(raw)[1:]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(ArchiveError, match="no backup of ours"):
        restore(io.BytesIO(out.getvalue()), fresh(tmp_path))
    assert list(fresh(tmp_path).iterdir()) == []


def test_a_backup_of_a_newer_version_is_refused(data: Path, tmp_path: Path) -> None:
    with contextlib.closing(open_writer(data / offline.DATABASE)) as writer:
        writer.execute(f"PRAGMA user_version = {len(known()) + 1}")
    with contextlib.closing(Backup(data)) as made, pytest.raises(StoreError, match="newer version"):
        made.prepare()


@pytest.mark.parametrize("schema", [1, len(known()) // 2, len(known())])
def test_a_database_that_is_not_upgraded_yet_is_backed_up_and_upgraded_by_its_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: int
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    steps = known()[:schema]
    with monkeypatch.context() as older:
        older.setattr(migrations, "known", lambda: steps)
        migrations.migrate(folder / offline.DATABASE, "1.0")
    blobs = BlobStore(folder / offline.BLOBS)
    blobs.prepare()
    sha256 = blobs.put(FILE)
    with contextlib.closing(open_writer(folder / offline.DATABASE)) as writer:
        writer.execute("INSERT INTO customer (id, name, created_at) VALUES (1, 'Ivan', 1)")
        writer.execute(
            "INSERT INTO journal (channel_id, dedupe_key, received_at, state, size, raw_sha256)"
            " VALUES ('mail', '1', 1, 'taken', 1, ?)",
            (sha256,),
        )
    raw, manifest = archive(folder)
    assert (manifest.schema, manifest.counts["customer"]) == (schema, 1)
    assert f"files/{sha256[:2]}/{sha256}" in [name for name, _ in members(raw)]
    restore(io.BytesIO(raw), fresh(tmp_path))
    with contextlib.closing(open_writer(fresh(tmp_path) / offline.DATABASE)) as writer:
        assert writer.execute("PRAGMA user_version").fetchone()[0] == len(known())
        assert writer.execute("SELECT name FROM customer").fetchone()[0] == "Ivan"


# --- kills --------------------------------------------------------------------------------------------

PROGRAM = """
import os, signal, sys
from pathlib import Path
from server import restore
from server.store import switch
left = int(sys.argv[3])
def counted(original):
    def step(*arguments, **more):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return original(*arguments, **more)
    return step
for name in ("rename", "rmdir", "unlink", "mkdir"):
    setattr(Path, name, counted(getattr(Path, name)))
with open(sys.argv[1], "rb") as file:
    restore.restore(file, Path(sys.argv[2]), replace=True)
"""


def test_a_kill_anywhere_leaves_the_old_or_the_new(data: Path, tmp_path: Path) -> None:
    raw, _ = archive(data)
    (tmp_path / "backup.tar").write_bytes(raw)
    offline.write(data, lambda tx: tx.emit("written.after"))
    outcomes = []
    for step in range(40):
        place = tmp_path / f"place-{step}"
        subprocess.run(["cp", "-r", str(data), str(place)], check=True)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "backup.tar"), str(place), str(step)],
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
        kinds = offline.write(place, lambda tx: {event.kind for event in events.after(tx, 4, 9)})
        assert ("written.after" in kinds) != ("server.restored" in kinds), (step, kinds)
        backup.check(place / offline.DATABASE)
        assert BlobStore(place / offline.BLOBS).read(hashlib.sha256(FILE).hexdigest()) == FILE
        assert not (place / switch.READY).exists()
        outcomes.append("server.restored" in kinds)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes == sorted(outcomes)
    assert len(outcomes) > 5


def test_unknown_is_told_as_an_event(data: Path) -> None:
    def doubt(tx: Transaction) -> list[str]:
        for row in outbox.unsent(tx):
            declare_unknown(tx, row, "why")
        return [event.kind for event in tx.events]

    assert offline.write(data, doubt)[0] == "message.status"
