"""The Telegram channel alone, against a Telegram that behaves and misbehaves like the real one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from channels.base import (
    BadCredentials,
    Failed,
    HookRequest,
    Outbound,
    OutboundFile,
    Rejected,
    Retry,
    Sent,
    Unknown,
    Verified,
)
from channels.messenger.listening import Waits
from channels.secret import Secret
from channels.telegram import TelegramChannel, TelegramSettings
from channels.testkit import MemoryHost
from tests.fakes.platform import Trouble
from tests.fakes.telegram import SECRET, TOKEN, FakeTelegram, refusal

DOWNLOAD_MAX = TelegramChannel.download_max


class HastyTelegram(TelegramChannel):
    """Waits as the real one does, only shorter."""

    waits = Waits(first=0.01, longest=0.05, refused=0.02)
    per_chat_s = 0.001


def settings(api_base: str, **more: Any) -> TelegramSettings:
    given = {"timeout": 5.0, "poll_seconds": 20.0, **more}
    return TelegramSettings(kind="telegram", token=Secret(TOKEN, "env:T"), api_base=api_base, **given)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    fake = FakeTelegram()
    async with fake.served():
        yield fake


@contextlib.asynccontextmanager
async def started(
    fake: FakeTelegram, host: MemoryHost | None = None, **more: Any
) -> AsyncIterator[tuple[HastyTelegram, MemoryHost]]:
    channel, host = HastyTelegram("bot", settings(fake.url, **more)), host or MemoryHost("bot")
    await channel.start(host)
    try:
        yield channel, host
    finally:
        await channel.stop()


def outbound(text: str = "hello", *files: OutboundFile, key: str = "k-1", **more: Any) -> Outbound:
    given = {"to": "77", "thread": "77", "references": (), **more}
    return Outbound(
        key=key,
        message_id=1,
        conversation_id=1,
        to_name=None,
        text=text,
        subject=None,
        author="Olga",
        files=files,
        written_at=0,
        **given,
    )


def file(folder: Path, name: str = "счёт.pdf", content: bytes = b"%PDF", kind: str = "") -> OutboundFile:
    (folder / "blob").write_bytes(content)
    return OutboundFile(
        name=name, content_type=kind or "application/pdf", size=len(content), path=str(folder / "blob")
    )


async def heard(host: MemoryHost, count: int) -> None:
    async with asyncio.timeout(10):
        while len(host.deliveries) < count:  # noqa: ASYNC110 - the host knows nothing of waiting
            await asyncio.sleep(0.005)


# --- polling --------------------------------------------------------------------------------------


async def test_polling_takes_updates_in_with_their_bookmark(telegram: FakeTelegram) -> None:
    telegram.webhook = {"url": "https://elsewhere.example"}
    telegram.say(77, "первое")
    telegram.say(-5, "в группе", chat={"id": -5, "type": "group"})
    async with started(telegram) as (_, host):
        await heard(host, 1)
        telegram.say(78, "second")
        await heard(host, 2)
        assert [one.event.text for one in host.deliveries if one.event] == ["первое", "second"]
        assert host.bookmarks == [("offset", b"1003"), ("offset", b"1004")]
        assert b'"update_id":1001' in host.deliveries[0].raw.replace(b" ", b"")
        assert host.health[-1].state == "connected"
    telegram.calls.clear()
    async with started(telegram, host):
        telegram.say(77, "third")
        await heard(host, 3)
    offsets = [params["offset"] for called, params in telegram.calls if called == "getUpdates"]
    assert offsets[0] == 1004 and len(host.deliveries) == 3


async def test_what_could_not_be_committed_is_asked_for_again(telegram: FakeTelegram) -> None:
    host = MemoryHost("bot")
    host.unavailable = True
    telegram.say(77, "once")
    async with started(telegram, host):
        await telegram.until(lambda: telegram.count("getUpdates") > 3)
        assert host.deliveries == [] and host.bookmarks == []
        assert all(params["offset"] == 0 for called, params in telegram.calls if called == "getUpdates")
        host.unavailable = False
        await heard(host, 1)


async def test_half_a_character_does_not_stop_what_is_polled(telegram: FakeTelegram) -> None:
    telegram.say(77, "a\ud83d \\ud83d \N{GRINNING FACE}")
    telegram.say(77, "and on")
    async with started(telegram) as (_, host):
        await heard(host, 2)
    texts = [one.event.text for one in host.deliveries if one.event]
    assert texts == ["a\ufffd \\ud83d \N{GRINNING FACE}", "and on"]


async def test_many_files_are_taken_in_few_at_a_time(telegram: FakeTelegram) -> None:
    for number in range(10):
        telegram.say(77, document=telegram.file(b"%d" % number))
    telegram.say(77, "done")
    async with started(telegram) as (_, host):
        await heard(host, 11)
    assert [int(value) for _, value in host.bookmarks] == [1005, 1009, 1012]
    files = [one.event.attachments[0].data for one in host.deliveries[:10] if one.event]
    assert files == [b"%d" % number for number in range(10)]


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Trouble(502, "<html>Bad Gateway"), "retrying"),
        (Trouble(429, refusal(429, "Too Many Requests", retry_after=0.01)), "retrying"),
        (Trouble(401, refusal(401, "Unauthorized")), "bad_credentials"),
        (Trouble(409, refusal(409, "Conflict: terminated by other getUpdates request")), "failed"),
        (Trouble(200, {"ok": True, "result": {"not": "a list"}}), "retrying"),
        (Trouble(drop=True), "retrying"),
    ],
    ids=["5xx", "429", "401", "409", "babble", "cut"],
)
async def test_polling_survives(telegram: FakeTelegram, trouble: Trouble, state: str) -> None:
    telegram.trouble("getUpdates", trouble)
    telegram.say(77, "after all")
    async with started(telegram) as (_, host):
        await heard(host, 1)
    assert state in [health.state for health in host.health]
    assert host.health[-2].state == "connected" and host.health[-1].state == "stopped"


# --- the webhook ----------------------------------------------------------------------------------


async def test_the_webhook_is_registered_with_its_secret(telegram: FakeTelegram) -> None:
    telegram.trouble("setWebhook", Trouble(500, "down"), Trouble(429, refusal(429, "wait", retry_after=0.01)))
    async with started(telegram, mode="webhook", secret=Secret(SECRET)) as (_, host):
        await telegram.until(lambda: bool(telegram.webhook))
        await telegram.until(lambda: telegram.count("setWebhook") == 3)
    assert telegram.webhook["url"] == "http://127.0.0.1:8480/hooks/bot"
    assert telegram.webhook["secret_token"] == SECRET
    assert "message_reaction" in telegram.webhook["allowed_updates"]
    assert not telegram.webhook["drop_pending_updates"]
    assert "retrying" in [health.state for health in host.health]


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_only_the_exact_secret_is_believed(mode: str) -> None:
    channel = TelegramChannel("bot", settings("http://127.0.0.1:1", mode=mode, secret=Secret(SECRET)))
    for given in ("", SECRET[:-1], SECRET + "x", f"{SECRET}, {SECRET}", "ключ", "\udcff"):
        request = HookRequest(
            method="POST", headers={"x-telegram-bot-api-secret-token": given}, body=b"{}", received_at=0
        )
        assert isinstance(channel.verify(request), Rejected)
    right = HookRequest(
        method="POST", headers={"x-telegram-bot-api-secret-token": SECRET}, body=b"{}", received_at=0
    )
    # A channel that polls takes no webhooks: nothing would come twice, and nobody would look at it.
    assert isinstance(channel.verify(right), Verified if mode == "webhook" else Rejected)


# --- files that customers send ----------------------------------------------------------------------


async def test_files_are_fetched_before_the_commit(telegram: FakeTelegram) -> None:
    telegram.say(77, photo=telegram.photo(b"large"), caption="вот")
    telegram.trouble("file", Trouble(500, "not now"))
    async with started(telegram) as (_, host):
        await heard(host, 1)
    event = host.deliveries[0].event
    assert event is not None and event.attachments[0].data == b"large" and event.text == "вот"


@pytest.mark.parametrize(
    ("size", "content", "troubles", "problem"),
    [
        (DOWNLOAD_MAX + 1, b"x", (), "20 MB"),
        (None, b"x" * (DOWNLOAD_MAX + 1), (), "too big"),
        (1, b"x", (Trouble(404, "gone"),) * 2, "404"),
        (1, b"x", (Trouble(302, "", {"Location": "http://127.0.0.1:1/"}),) * 2, "302"),
        (1, b"x", (Trouble(200, "x" * (DOWNLOAD_MAX + 1)),), "20 MB"),
        (1, b"x", (Trouble(drop=True),) * 9, "closed the connection"),
    ],
    ids=["announced", "refused", "gone", "redirected", "endless", "cut"],
)
async def test_a_file_that_cannot_be_had_costs_no_words(
    telegram: FakeTelegram, size: int | None, content: bytes, troubles: tuple[Trouble, ...], problem: str
) -> None:
    telegram.say(77, document={**telegram.file(content), "file_size": size}, caption="вот")
    telegram.trouble("file", *troubles)
    async with started(telegram) as (_, host):
        await heard(host, 1)
    event = host.deliveries[0].event
    assert event is not None and event.text == "вот"
    assert event.attachments[0].data is None and problem in event.attachments[0].problem


# --- sending --------------------------------------------------------------------------------------


async def test_replies_arrive_as_they_were_written(telegram: FakeTelegram, tmp_path: Path) -> None:
    pdf, png = file(tmp_path), file(tmp_path, "a.png", kind="image/png")
    async with started(telegram) as (channel, _):
        first = await channel.send(outbound("<b>5 > 3</b> &amp;", references=("77:41", "77:42")))
        assert isinstance(first, Sent) and first.remote_id == telegram.received[0].remote_id
        await channel.send(outbound("счёт", pdf, key="k-2", references=("77:42", str(first.remote_id))))
        await channel.send(outbound("x" * 1025, png, key="k-3"))
        await channel.send(outbound("две", png, pdf, key="k-4"))
        await channel.send(outbound("", png, key="k-5"))
    shown = [
        (one.how, one.text[:20], [name for name, _, _ in one.files], one.reply_to)
        for one in telegram.received
    ]
    assert shown == [
        ("sendMessage", "<b>5 > 3</b> &amp;", [], "42"),
        ("sendDocument", "счёт", ["счёт.pdf"], None),
        ("sendMessage", "x" * 20, [], None),
        ("sendPhoto", "", ["a.png"], None),
        ("sendMediaGroup", "", ["a.png"], None),
        ("sendMediaGroup", "две", ["счёт.pdf"], None),
        ("sendPhoto", "", ["a.png"], None),
    ]
    assert telegram.received[1].files[0][1:] == ("application/pdf", b"%PDF")


async def test_hostile_file_names_stay_names(telegram: FakeTelegram, tmp_path: Path) -> None:
    evil = file(tmp_path, 'a"\r\nX-Evil: 1\r\n\r\n../\x00.pdf', kind="text/plain\r\nX-Evil: 1")
    async with started(telegram) as (channel, _):
        assert isinstance(await channel.send(outbound("t", evil)), Sent)
    [(name, content_type, content)] = telegram.received[0].files
    assert name == "a___X-Evil: 1____..__.pdf"
    assert (content_type, content) == ("application/octet-stream", b"%PDF")


@pytest.mark.parametrize(
    ("trouble", "expected", "arrived"),
    [
        (Trouble(429, refusal(429, "Too Many Requests", retry_after=3)), Retry, 0),
        (Trouble(502, "<html>"), Retry, 0),
        (Trouble(400, refusal(400, "Bad Request: chat not found")), Failed, 0),
        (Trouble(400, refusal(400, "Bad Request: can't parse entities: 5 > 3")), Sent, 1),
        (Trouble(401, refusal(401, "Unauthorized")), BadCredentials, 0),
        (Trouble(409, refusal(409, "Conflict")), Retry, 0),
        (Trouble(drop=True, taken=True), Unknown, 1),
        (Trouble(drop=True), Unknown, 0),
        (Trouble(stall=True, taken=True), Unknown, 1),
        (Trouble(200, "<html>welcome to the proxy", taken=True), Unknown, 1),
        (Trouble(204, ""), Unknown, 0),
    ],
    ids=["429", "5xx", "400", "parse", "401", "409", "taken-cut", "cut", "taken-stall", "babble", "204"],
)
async def test_what_became_of_a_reply(
    telegram: FakeTelegram, trouble: Trouble, expected: type, arrived: int
) -> None:
    telegram.trouble("sendMessage", trouble)
    async with started(telegram, timeout=0.3, poll_seconds=0.1) as (channel, host):
        result = await channel.send(outbound())
        assert isinstance(result, expected), result
        assert len(telegram.received) == arrived
        if isinstance(result, Retry) and trouble.status == 429:
            assert result.after == 3
        if expected is BadCredentials:
            assert "bad_credentials" in [health.state for health in host.health]


async def test_who_blocked_us_is_noted(telegram: FakeTelegram) -> None:
    telegram.blocked.add(77)
    async with started(telegram) as (channel, host):
        result = await channel.send(outbound())
        assert isinstance(result, Failed) and "blocked" in result.reason
        await channel.send(outbound(attempt=2))
    events = [one.event for one in host.deliveries if one.event]
    assert [(event.kind, event.sender.external_id) for event in events] == [("blocked", "77")] * 2


async def test_a_reply_in_two_parts_goes_on_where_it_stopped(telegram: FakeTelegram, tmp_path: Path) -> None:
    reply = outbound("x" * 2000, file(tmp_path))
    telegram.trouble("sendDocument", Trouble(502, "down"), Trouble(drop=True))
    host = MemoryHost("bot")
    async with started(telegram, host) as (channel, _):
        first = await channel.send(reply)
        assert isinstance(first, Retry) and "the text arrived" in first.reason
    async with started(telegram, host) as (channel, _):  # also after a restart
        second = await channel.send(reply)
        assert isinstance(second, Unknown) and "the text arrived" in second.reason
        third = await channel.send(reply)  # an operator's decision
        assert isinstance(third, Sent) and third.remote_id == telegram.received[0].remote_id
    assert [one.how for one in telegram.received] == ["sendMessage", "sendDocument"]
    assert not [key for key in host.stored() if key.startswith("sent:")]


async def test_what_cannot_be_noted_is_not_sent_again(telegram: FakeTelegram, tmp_path: Path) -> None:
    telegram.trouble("sendDocument", Trouble(502, "down"))
    async with started(telegram) as (channel, host):
        await telegram.until(lambda: telegram.count("getUpdates") > 0)
        host.unavailable = True
        result = await channel.send(outbound("x" * 2000, file(tmp_path)))
    assert isinstance(result, Unknown) and "the text arrived" in result.reason


async def test_a_photo_that_is_none_is_sent_as_a_document(telegram: FakeTelegram, tmp_path: Path) -> None:
    telegram.trouble("sendPhoto", Trouble(400, refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")))
    async with started(telegram) as (channel, _):
        assert isinstance(await channel.send(outbound("t", file(tmp_path, "a.png", kind="image/png"))), Sent)
    assert [(one.how, one.text) for one in telegram.received] == [("sendDocument", "t")]


# --- probing and secrecy ----------------------------------------------------------------------------


async def test_probe(telegram: FakeTelegram) -> None:
    good = await HastyTelegram("bot", settings(telegram.url)).probe()
    assert [(one.name, one.ok) for one in good] == [("getMe", True), ("updates", True)]
    unset = await HastyTelegram("bot", settings(telegram.url, mode="webhook", secret=Secret(SECRET))).probe()
    assert [one.ok for one in unset] == [True, False] and unset[1].hint
    telegram.token = "another"
    assert [one.ok for one in await HastyTelegram("bot", settings(telegram.url)).probe()] == [False, False]
    [away] = await HastyTelegram("bot", settings("http://127.0.0.1:1")).probe()
    assert not away.ok and "not reached" in away.detail


async def test_the_token_is_shown_nowhere(
    telegram: FakeTelegram, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    told = f"error at /bot{TOKEN}/x and {SECRET}"
    caplog.set_level(logging.DEBUG)
    said: list[object] = []
    with structlog.testing.capture_logs() as logs:
        for trouble in (
            Trouble(400, refusal(400, told)),
            Trouble(500, refusal(500, told)),
            Trouble(401, refusal(401, told)),
            Trouble(409, refusal(409, told)),
            Trouble(302, "", {"Location": f"http://127.0.0.1:1/bot{TOKEN}"}),
            Trouble(drop=True),
        ):
            for method in ("sendMessage", "sendDocument", "getUpdates", "getFile", "getMe"):
                telegram.trouble(method, trouble)
            telegram.say(77, document=telegram.file(b"x"))
            async with started(telegram) as (channel, host):
                await heard(host, 1)
                said += [await channel.send(outbound()), await channel.send(outbound("t", file(tmp_path)))]
                said += [*host.health, host.deliveries[0].event, vars(channel), channel.settings]
            said += await HastyTelegram("bot", settings(telegram.url)).probe()
        telegram.url = "http://127.0.0.1:1"
        async with started(telegram) as (channel, host):  # nobody there
            said += [await channel.send(outbound()), *host.health]
    everything = f"{said!r} {logs!r} {caplog.text}"
    assert TOKEN not in everything and TOKEN.partition(":")[2] not in everything
    assert "TOKEN" in everything  # the words around it were kept
