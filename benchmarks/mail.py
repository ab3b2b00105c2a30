"""2,000 mails from a Dovecot of this machine to stored, parsed and threaded, against mbsync (Debian's isync)
fetching the same mailbox; then whether hard mails hold up other work.

Goals: ratio >= 0.5, rss_mb < 200, lost = duplicated = 0, other work never waits more than 100 ms for a mail
of 100,000 parts or of 20 MB of base64. The server is started while Dovecot is stopped, so that its clock
runs from its first word to Dovecot, as that of mbsync does. rss_mb is the server's process and its parser
together, at their highest; so is the wait, of GET /healthz asked every 10 ms. journaled_per_s is the part
that mbsync does too: fetched, and durable as it came.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import sqlite3
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks.harness import make_operator, rss_mb, running
from benchmarks.mailbox import mails, many_parts, much_base64
from tests.fakes.dovecot import PASSWORD, Dovecot

MAILS = 2_000
ROUNDS = 3
PATIENCE_S = 300.0
ASK_EVERY_S = 0.01


def measure(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    program = shutil.which("mbsync")
    if program is None:
        raise SystemExit("mbsync is not installed: apt-get install isync")
    dovecot = Dovecot()
    dovecot.start()
    ours: list[float] = []
    journaled: list[float] = []
    theirs: list[float] = []
    memory: list[float] = []
    lost = duplicated = 0
    waits: dict[str, float] = {}
    try:
        box = mails(MAILS)
        for number in range(ROUNDS):
            here = folder / f"round{number}"
            here.mkdir()
            for user in (f"omni{number}", f"mbsync{number}"):
                for index, raw in enumerate(box):
                    dovecot.deliver(user, raw, count=index)
            theirs.append(MAILS / _mbsync(program, here, dovecot, f"mbsync{number}"))
            one = _omni(here, dovecot, f"omni{number}", number == ROUNDS - 1)
            ours.append(MAILS / one.seconds)
            journaled.append(MAILS / one.journaled)
            memory.append(one.rss)
            lost, duplicated, waits = lost + one.lost, duplicated + one.doubled, one.waits
            say(
                f"round {number + 1}: {ours[-1]:.0f} mails/s ({journaled[-1]:.0f} journaled), mbsync"
                f" {theirs[-1]:.0f}, {one.rss:.0f} MB, lost {one.lost}, doubled {one.doubled}"
            )
    finally:
        dovecot.close()
    figures = {
        "mails_per_s": round(statistics.median(ours), 1),
        "mbsync_per_s": round(statistics.median(theirs), 1),
        "ratio": round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
        "rss_mb": round(max(memory), 1),
        "lost": lost,
        "duplicated": duplicated,
        "journaled_per_s": round(statistics.median(journaled), 1),
    }
    return figures | {f"wait_ms_{name}": round(wait * 1000, 1) for name, wait in waits.items()}


# --- mbsync ---------------------------------------------------------------------------------------------


def _mbsync(program: str, here: Path, dovecot: Dovecot, user: str) -> float:
    """Seconds to fetch the whole mailbox into a Maildir."""
    target = here / "maildir"
    target.mkdir()
    config = here / "mbsyncrc"
    config.write_text(
        f"""
IMAPAccount a
Host 127.0.0.1
Port {dovecot.port}
User {user}
Pass {PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {target}/
Inbox {target}/INBOX

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState *
""",
        encoding="utf-8",
    )
    config.chmod(0o600)
    began = time.perf_counter()
    command = [program, "-q", "-c", str(config), "c"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    seconds = time.perf_counter() - began
    fetched = sum(1 for name in ("new", "cur") for _ in (target / "INBOX" / name).iterdir())
    if fetched != MAILS:
        raise RuntimeError(f"mbsync fetched {fetched} of {MAILS}")
    return seconds


# --- the server -------------------------------------------------------------------------------------------


class _Round(NamedTuple):
    """Seconds until all were journaled and until all were taken in, peak MB, and what became of the mails."""

    journaled: float
    seconds: float
    rss: float
    lost: int
    doubled: int
    waits: dict[str, float]  # beside the hard mails


def _omni(here: Path, dovecot: Dovecot, user: str, hard: bool) -> _Round:
    (here / "run").mkdir(mode=0o700)
    (here / "data").mkdir(mode=0o700)
    (here / "password").write_text(PASSWORD)
    (here / "password").chmod(0o600)
    (here / "omni.toml").write_text(_config(user, dovecot.port), encoding="utf-8")
    make_operator(here)
    waits: dict[str, float] = {}
    with _stopped(dovecot) as go:
        arguments = ["-m", "omni_console", "--config", str(here / "omni.toml"), "serve"]
        with running(arguments) as (process, _):
            peak = _Peak(process.pid)
            began = time.perf_counter()
            go()
            with closing(sqlite3.connect(f"file:{here}/data/omni.sqlite3?mode=ro", uri=True)) as database:
                _until(database, "place", MAILS)
                journaled = time.perf_counter() - began
                _until(database, "message", MAILS)
                seconds = time.perf_counter() - began
                rss = peak.stop()
                [(stored, distinct)] = database.execute(
                    "SELECT count(*), count(DISTINCT remote_id) FROM message WHERE kind = 'in'"
                ).fetchall()
                if hard:
                    waits = asyncio.run(_hard(here / "run" / "omni.sock", dovecot, user, database))
    return _Round(journaled, seconds, rss, MAILS - distinct, stored - distinct, waits)


def _config(user: str, port: int) -> str:
    return f"""
[server]
data_dir = "data"
socket = "run/omni.sock"
log_level = "error"

[public]
listen = "127.0.0.1:0"

[channels.mail]
kind = "email"
address = "support@shop.example"
username = "{user}"
password = "file:password"
first_contact = "days:9999"
[channels.mail.imap]
host = "127.0.0.1"
port = {port}
tls = "none"
[channels.mail.smtp]
host = "127.0.0.1"
port = 9
tls = "none"
"""


def _until(database: sqlite3.Connection, table: str, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] < wanted:  # noqa: S608 - own names
        if time.monotonic() > deadline:
            raise RuntimeError("the mails did not come")
        time.sleep(0.02)


@contextmanager
def _stopped(dovecot: Dovecot) -> Iterator[Callable[[], None]]:
    """Dovecot answers nobody until it is told to go on."""
    account = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    pids = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_part(entry, account, str(dovecot.directory))
    ]

    def go() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield go
    finally:
        go()


def _is_part(entry: Path, account: int, directory: str) -> bool:
    try:
        if entry.stat().st_uid != account:
            return False
        links = [os.readlink(link) for link in (entry / "fd").iterdir()]
        words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        return directory in words or any(directory in link for link in links) or _of(entry, directory)
    except OSError:
        return False


def _of(entry: Path, directory: str) -> bool:
    """A child of the Dovecot that was started with this directory."""
    parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
    return directory in Path("/proc", parent, "cmdline").read_bytes().decode("utf-8", "replace")


class _Peak:
    """The highest memory of a process with its children."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, sum(rss_mb(pid) for pid in (self._pid, *_children(self._pid))))

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._most


def _children(pid: int) -> list[int]:
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    # The resource tracker of multiprocessing is the server's too.
    return [int(word) for word in words if Path(f"/proc/{word}/status").exists()]


# --- other work -------------------------------------------------------------------------------------------


async def _hard(socket: Path, dovecot: Dovecot, user: str, database: sqlite3.Connection) -> dict[str, float]:
    """The longest wait for another answer: with nothing to do, and beside each hard mail."""
    waits = {"idle": await _longest(socket, lambda: asyncio.sleep(3.0))}
    for name, raw in (("100000_parts", many_parts()), ("20_mb", much_base64())):
        count = database.execute("SELECT count(*) FROM message").fetchone()[0]

        async def taken(raw: bytes = raw, count: int = count) -> None:
            await asyncio.to_thread(dovecot.deliver, user, raw)
            async with asyncio.timeout(PATIENCE_S):
                while database.execute("SELECT count(*) FROM message").fetchone()[0] == count:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)

        waits[name] = await _longest(socket, taken)
    return waits


async def _longest(socket: Path, during: Callable[[], object]) -> float:
    waits: list[float] = []

    async def ask() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session:
            while True:
                began = time.perf_counter()
                async with session.get("http://omni/healthz") as answer:
                    await answer.read()
                waits.append(time.perf_counter() - began)
                await asyncio.sleep(ASK_EVERY_S)

    asking = asyncio.create_task(ask())
    try:
        await during()  # type: ignore[misc]
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    return max(waits)
