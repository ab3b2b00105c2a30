"""Dovecot killed and frozen while it hands out mail, restarts of the server, large mails, a backlog: every
mail is a message, once."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
from collections.abc import Iterator

import msgspec
import pytest

from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import QUICK, settings
from tests.fakes.mail_corpus import POISON, attached, multipart, part, plain
from tests.fakes.mail_world import MailWorld

pytestmark = pytest.mark.dovecot

PROOF = bool(os.environ.get("OMNI_PROOF"))
RESTARTS = 50 if PROOF else 4
BACKLOG = 10_000 if PROOF else 500
SEED = int(os.environ.get("OMNI_SEED", "20261122"))

# What is broken off is noticed soon and tried again soon.
HASTY = msgspec.structs.replace(QUICK, command=1.0, connect=1.0, backoff_max=0.1)

_names = itertools.count(1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    server.start()
    yield server
    server.close()


@pytest.fixture
def user() -> str:
    return f"hard{next(_names)}"


async def _all_once(world: MailWorld, wanted: int, seconds: float = 60.0) -> None:
    """So many messages, each of another mail, and nothing that the ledger cannot account for."""
    await world.until("SELECT count(*) FROM message", wanted, seconds)
    await world.until("SELECT count(*) FROM journal WHERE state = 'received'", 0, seconds)
    assert await world.value("SELECT count(*) FROM message") == wanted
    assert await world.value("SELECT count(DISTINCT remote_id) FROM message") == wanted
    code, out, err = await world.omni("mail", "ledger", "--json")
    assert (code, json.loads(out)["unaccounted"]) == (0, 0), err


async def _in_the_middle_of_fetching(dovecot: Dovecot, user: str, number: signal.Signals) -> list[int]:
    """The session's process at a moment when the server has begun to hand out bodies."""
    async with asyncio.timeout(10):
        while True:
            pids = dovecot.sessions(user)
            for pid in pids:
                os.kill(pid, number)
            if pids:
                return pids
            await asyncio.sleep(0)


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_broken_off_in_the_middle_of_a_fetch(dovecot: Dovecot, user: str, harm: signal.Signals) -> None:
    chance = random.Random(SEED)
    count, text = 120, "0123456789abcdef" * 4000  # 64 KB each: many answers under way
    for number in range(count):
        dovecot.deliver(user, plain(number, text=text), count=number)
    given = settings(dovecot.port, username=user, first_contact="days:3650")
    frozen: list[int] = []
    try:
        async with MailWorld({"mail": given}, HASTY) as world:
            for _ in range(4):
                await asyncio.sleep(chance.uniform(0.01, 0.12))
                frozen += await _in_the_middle_of_fetching(dovecot, user, harm)
            await _all_once(world, count)
    finally:
        if harm == signal.SIGSTOP:
            for pid in set(frozen):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


async def test_restarts_at_any_moment(dovecot: Dovecot, user: str) -> None:
    """OMNI_SEED=n takes the same moments again; OMNI_PROOF=1 restarts 50 times."""
    chance = random.Random(SEED)
    given = settings(dovecot.port, username=user)
    async with MailWorld({"mail": given}) as world:
        await world.connected()
        sent = 0
        for _ in range(RESTARTS):
            for _ in range(chance.randint(1, 12)):
                dovecot.deliver(user, plain(sent), count=sent)
                sent += 1
            await asyncio.sleep(chance.uniform(0.0, 0.8))
            await world.stop()
            if chance.random() < 0.5:
                dovecot.deliver(user, plain(sent), count=sent)
                sent += 1
            await world.start()
        await _all_once(world, sent)


async def test_a_mail_of_20_megabytes_comes_whole(dovecot: Dovecot, user: str) -> None:
    film = random.Random(SEED).randbytes(15_000_000)
    big = multipart("mixed", part("text/plain", b"See the film."), attached("film.mp4", "video/mp4", film))
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        await world.connected()
        dovecot.deliver(user, big)
        dovecot.deliver(user, plain(2), count=2)
        await _all_once(world, 2)
        [row] = await world.read("SELECT sha256, size FROM attachment WHERE name = 'film.mp4'")
        assert row["size"] == len(film)
        assert world.server is not None
        assert world.server.blobs.read(row["sha256"]) == film


async def test_a_backlog_with_poison_in_it(dovecot: Dovecot, user: str) -> None:
    """500 mails, 10,000 under OMNI_PROOF=1, and among them every mail that ever broke a parser."""
    poison = [raw for name, raw in POISON.items() if b"\n" in raw.strip() and name != "no header"]
    with_ids = [b"Message-ID: <poison%d@x.example>\r\n" % number + raw for number, raw in enumerate(poison)]
    mails = [plain(number) for number in range(BACKLOG)]
    chance = random.Random(SEED)
    for raw in with_ids:
        mails.insert(chance.randrange(len(mails)), raw)
    for number, raw in enumerate(mails):
        dovecot.deliver(user, raw, count=number)
    given = settings(dovecot.port, username=user, first_contact="days:3650")
    async with MailWorld({"mail": given}) as world:
        await world.until("SELECT count(*) FROM place", len(mails), 60 + BACKLOG / 50)
        await world.until("SELECT count(*) FROM journal WHERE state = 'received'", 0, 60 + BACKLOG / 50)
        shown = await world.read("SELECT remote_id FROM message")
        ids = {row["remote_id"] for row in shown}
        assert {f"<m{number}@customer.example>" for number in range(BACKLOG)} <= ids
        # A poisonous mail is shown under its id, or put aside; none is lost, none comes twice.
        assert len(shown) == len(ids) == len(mails)
        code, out, _ = await world.omni("mail", "ledger")
        assert (code, out.rpartition("\n")[0].rpartition("\n")[2]) == (0, "0 unaccounted")
