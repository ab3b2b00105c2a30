"""Mail servers that misbehave: one mail they cannot hand out must not keep the others."""

from __future__ import annotations

import msgspec

from channels.email.parse import parse
from tests.fakes.imap_script import ScriptedImap
from tests.fakes.mail_account import QUICK, channel, connected, host, settings, until
from tests.fakes.mail_corpus import plain

FAST = msgspec.structs.replace(QUICK, backoff_first=0.01, backoff_max=0.02)


async def test_a_mail_that_is_refused_becomes_a_stub_and_the_others_come() -> None:
    async with ScriptedImap({number: plain(number) for number in range(1, 6)}) as server:
        server.refuse = {2}
        here = host()
        mail = channel(settings(server.port, first_contact="days:365"), FAST)
        await mail.start(here)
        await until(lambda: len(here.deliveries) == 5, "five mails")
        await mail.stop()
    events = [parse(one.raw, one.meta)[0] for one in here.deliveries]
    stubs = [event for event in events if "does not hand out" in event.text]
    assert [event.remote_message_id for event in stubs] == ["<m2@customer.example>"]
    assert server.fetched.count(2) > 2


async def test_a_mail_that_kills_the_link_becomes_a_stub_and_the_others_come() -> None:
    async with ScriptedImap({number: plain(number) for number in range(1, 4)}) as server:
        server.vanish = {2}
        here = host()
        mail = channel(settings(server.port, first_contact="days:365"), FAST)
        await mail.start(here)
        await until(lambda: len(here.deliveries) == 3, "three mails")
        await mail.stop()
    # A lost link may be anybody's fault: it takes many before a mail is given up.
    assert server.fetched.count(2) > 10
    assert sorted(one.meta["stub"] for one in here.deliveries) == ["", "", "unavailable"]


async def test_the_last_message_is_not_taken_again_and_again() -> None:
    """SEARCH n:* names the last message even where its UID is below n."""
    async with ScriptedImap({1: plain(1)}) as server:
        here = host()
        mail = channel(settings(server.port), FAST)
        await mail.start(here)
        await connected(here)
        server.mails[2] = plain(2)
        await until(lambda: len(here.deliveries) == 1, "the new mail, by polling")
        before = server.searches
        await until(lambda: server.searches >= before + 3, "it goes on looking")
        await mail.stop()
        assert server.fetched == [2]
        assert server.idle_refused == 2  # refused twice, and left alone


async def test_what_the_server_alerts_is_shown() -> None:
    async with ScriptedImap({}) as server:
        server.alert = b"* OK [ALERT] your quota is nearly used up"
        here = host()
        mail = channel(settings(server.port), FAST)
        await mail.start(here)
        await connected(here)
        await mail.stop()
    assert any("quota is nearly used up" in health.detail for health in here.health)


async def test_a_server_that_says_goodbye_at_once_is_retried() -> None:
    async with ScriptedImap({}) as server:
        server.greeting = b"* BYE Too many simultaneous connections"
        here = host()
        mail = channel(settings(server.port), FAST)
        await mail.start(here)
        await until(lambda: here.health[-1].state == "retrying", "shown")
        assert "Too many simultaneous connections" in here.health[-1].detail
        server.greeting = b"* OK [CAPABILITY IMAP4rev1] ready"
        await connected(here)
        await mail.stop()
