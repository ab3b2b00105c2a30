"""Folders that change under us: renumbered, put back from a backup. Nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import settings
from tests.fakes.mail_corpus import plain
from tests.fakes.mail_world import MailWorld

pytestmark = pytest.mark.dovecot

_names = itertools.count(1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    server.start()
    yield server
    server.close()


@pytest.fixture
def user() -> str:
    return f"moved{next(_names)}"


def _put(number: int, days_ago: int, raw: bytes = b"") -> bytes:
    moment = datetime.now(UTC) - timedelta(days=days_ago)
    date = moment.strftime("%d-%b-%Y 10:00:00 +0000")
    return f'APPEND Desk "{date}"\n'.encode() + (raw or plain(number))


async def test_old_mails_are_known_by_their_listing_and_new_ones_by_their_bytes(
    dovecot: Dovecot, user: str
) -> None:
    await dovecot.command(user, b"CREATE Desk")
    given = settings(dovecot.port, username=user, folders=("Desk",), first_contact="days:90")
    puts = [_put(1, 80), _put(2, 40), _put(3, 35, plain(3, message_id="")), _put(4, 3), _put(5, 0)]
    async with MailWorld({"mail": given}) as world:
        await world.connected()
        await dovecot.command(user, _put(0, 200), *puts)
        await world.until("SELECT count(*) FROM message", 6)  # what comes new is taken however old it is
        await world.stop()
        await asyncio.sleep(1.1)  # Dovecot's UIDVALIDITY is the second of creation
        late = [_put(6, 50), _put(7, 1), _put(2, 40, plain(2, text="The same id, and longer."))]
        await dovecot.command(user, b"DELETE Desk", b"CREATE Desk", *late, *puts)
        await world.start()
        await world.until("SELECT count(*) FROM message", 9)
        await dovecot.command(user, _put(8, 0))
        await world.until("SELECT count(*) FROM message", 10)
        epochs = await world.read("SELECT epoch, count(*) AS n FROM place GROUP BY epoch ORDER BY epoch")
        assert [row["n"] for row in epochs] == [6, 9]


async def test_a_folder_put_back_from_a_backup_under_its_old_numbers(dovecot: Dovecot, user: str) -> None:
    """UIDVALIDITY is the same and UIDNEXT has passed our bookmark: only the mails themselves tell."""
    box, backup = dovecot.directory / "mail" / user, dovecot.directory / f"backup-{user}"
    given = settings(dovecot.port, username=user)
    async with MailWorld({"mail": given}) as world:
        await world.connected()
        for number in (1, 2):
            dovecot.deliver(user, plain(number), count=number)
        await world.until("SELECT count(*) FROM message", 2)
        await _until_quiet(dovecot, user, world)
        shutil.copytree(box, backup, symlinks=True)
        _own(backup, box)
        await world.start()
        await world.connected()
        for number in (3, 4, 5):
            dovecot.deliver(user, plain(number), count=number)
        await world.until("SELECT count(*) FROM message", 5)
        await _until_quiet(dovecot, user, world)
        shutil.rmtree(box)
        backup.rename(box)
        await asyncio.sleep(1.1)  # the new mails arrive at another second than the lost ones
        for number in range(10, 16):
            dovecot.deliver(user, plain(number), count=number)
        await world.start()
        await world.until("SELECT count(*) FROM message", 11)
        ids = {row["remote_id"] for row in await world.read("SELECT remote_id FROM message")}
        assert ids == {f"<m{number}@customer.example>" for number in (1, 2, 3, 4, 5, *range(10, 16))}


async def _until_quiet(dovecot: Dovecot, user: str, world: MailWorld) -> None:
    await world.stop()
    async with asyncio.timeout(10):
        while dovecot.sessions(user):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


def _own(tree: object, like: object) -> None:
    owner = os.stat(str(like))
    for folder, names, files in os.walk(str(tree)):
        for name in (folder, *(os.path.join(folder, one) for one in (*names, *files))):
            os.chown(name, owner.st_uid, owner.st_gid)
