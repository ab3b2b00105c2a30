"""/healthz, /readyz and /metrics: what monitoring sees, and that it sees nobody's name."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import re
from unittest.mock import patch

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from channels.base import ChannelHealth
from server.public.counters import Counters
from tests.fakes.running_server import Running, running_server, until


async def page(running: Running) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, by its name and labels."""
    status, body = await running.ask("GET", "/metrics", uid=99_999)
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


async def test_what_happened_is_counted() -> None:
    async with running_server() as running:
        before = await page(running)
        assert before[key("omni_intake_total", channel="market", outcome="stored")] == 0
        await running.hook("where is my kettle?")
        running.numbers = itertools.count(1)
        await running.hook("where is my kettle?")
        visitor = await running.visitor()
        await visitor.say("hello")
        async with running.http.post(f"{running.url}/hooks/market", data=b"forged") as answer:
            assert answer.status == 401
        running.clock.advance(5_000)
        listening = await running.listen()
        found = await page(running)
        assert found[key("omni_intake_total", channel="market", outcome="stored")] == 1
        assert found[key("omni_intake_total", channel="market", outcome="duplicate")] == 1
        assert found[key("omni_intake_total", channel="site", outcome="stored")] >= 1
        assert found[key("omni_refused_total", channel="market", reason="refused")] == 1
        assert found[key("omni_queue_conversations")] == 2
        assert found[key("omni_queue_oldest_seconds")] == 5
        assert found[key("omni_consoles")] == 1
        assert found[key("omni_ready")] == 1
        assert found[key("omni_trouble")] == 0
        assert found[key("omni_event_seq")] == await running.newest()
        assert found[key("omni_channel_up", channel="market", state="connected")] == 1
        assert found[key("omni_disk_free_bytes")] > 0
        assert found[key("omni_database_bytes")] > 0
        assert found[key("omni_wal_bytes")] > 0
        assert found[key("omni_commit_seconds_count")] == found[key("omni_commit_group_size_count")]
        assert found[key("omni_commit_group_size_sum")] > before[key("omni_commit_group_size_sum")]
        assert any(name == "omni_build_info" for name, _ in found)

        running.receiver.answers.append(503)
        await running.answer(listening.client, 1, "on its way")
        await until(lambda: bool(running.receiver.tries))
        await running.settled()
        found = await page(running)
        assert found[key("omni_outbox", channel="market", state="retrying")] == 1
        assert found[key("omni_outbox_oldest_seconds")] == 0
        assert found[key("omni_replies_total", result="retrying")] == 1


async def test_nobody_is_named_and_no_stranger_makes_labels() -> None:
    async with running_server() as running:
        await running.hook(
            "call me: +7 912 345-67-89, ivan@example.org", person={"name": "Иван Петров"}, sender="buyer-77"
        )
        visitor = await running.visitor(sub="u-1", name="Мария", email="maria@example.org")
        await visitor.say("секрет")
        for number in range(20):
            url = f"{running.url}/hooks/made-up-{number}"
            async with running.http.post(url, data=io.BytesIO(b"x" * 2_000_000)) as answer:
                assert answer.status == 413
        status, body = await running.ask("GET", "/metrics", uid=99_999)
        text = body.decode()
        assert status == 200
        for secret in (
            "Иван",
            "example.org",
            "912 345",
            "9123456",
            "345-67",
            "buyer-77",
            "Мария",
            "секрет",
            "kettle",
            "Olga",
            "made-up",
        ):
            assert secret not in text
        labels = set(re.findall(r'(\w+)="', text))
        ours = {"channel", "outcome", "reason", "state", "result", "transfers", "kind"}
        assert labels <= ours | {"le", "version", "sqlite"}
        found = await page(running)
        assert found[key("omni_refused_total", channel="", reason="too_large")] == 20


def test_counters_tell_only_known_channels_apart() -> None:
    counters = Counters({"market"})
    counters.add("refused", "market")
    counters.add("refused", "made up")
    assert (counters.get("refused", "market"), counters.get("refused"), counters.total("refused")) == (
        1,
        1,
        2,
    )


async def test_health_on_both_doors() -> None:
    async with running_server() as running:

        async def asked(path: str) -> tuple[int, int]:
            status, _ = await running.ask("GET", path, uid=99_999)
            async with running.http.get(running.url + path) as answer:
                return status, answer.status

        assert (await asked("/healthz"), await asked("/readyz")) == ((200, 200), (200, 200))
        running.server.trouble.disk = "the disk is full"
        assert (await asked("/healthz"), await asked("/readyz")) == ((503, 503), (503, 503))
        _, body = await running.ask("GET", "/healthz", uid=99_999)
        assert msgspec.json.decode(body)["trouble"] == "the disk is full"
        async with running.http.get(running.url + "/readyz") as answer:
            assert await answer.json() == {"error": "unavailable"}, "strangers are told nothing more"
        running.server.trouble.disk = ""
        running.server.is_ready = False
        assert (await asked("/healthz"), await asked("/readyz")) == ((200, 200), (503, 503))
        running.server.is_ready = True
        _, body = await running.ask("GET", "/readyz", uid=99_999)
        assert msgspec.json.decode(body)["channels"] == {
            "market": "connected",
            "site": "connected",
            "mail": "connected",
        }
        # The other routes still ask who it is.
        assert (await running.ask("GET", "/v1/counts", uid=99_999))[0] == 401
        async with running.http.get(running.url + "/metrics") as answer:
            assert answer.status == 404, "figures are not for the internet"


async def test_not_ready_before_everything_has_started_nor_while_stopping() -> None:
    seen: list[bool] = []
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(running_server())
        server = running.server
        letters = running.letters
        stop = letters.stop

        async def noted() -> None:
            seen.append(server.is_ready)
            await stop()

        stack.enter_context(patch.object(letters, "stop", noted))
        seen.append(server.is_ready)
        await stack.aclose()
    assert seen[0] is True
    assert not server.is_ready


async def test_a_channel_that_is_not_connected_is_seen() -> None:
    async with running_server() as running:
        running.server.running.report("mail", ChannelHealth(state="bad_credentials", detail="refused"))
        found = await page(running)
        assert found[key("omni_channel_up", channel="mail", state="bad_credentials")] == 0
        await asyncio.sleep(0)
