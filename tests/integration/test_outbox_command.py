"""`omni outbox`: what failed or is unknown, and an operator's word on it, from a shell."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from channels.base import Failed, Unknown
from server.protocol import Message
from tests.fakes import omni_command
from tests.fakes.running_server import Running, running_server


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def omni(run: Running, *arguments: str) -> tuple[int, str, str]:
    return await omni_command.omni(run, "outbox", *arguments)


async def doubtful(run: Running, result: Unknown | Failed, address: str) -> Message:
    olga = await run.client()
    run.letters.results.append(result)
    receipt = await run.letters.hear(address, "hello")
    assert receipt.conversation_id is not None
    reply = await run.answer(olga, receipt.conversation_id, f"hi {address}")
    await run.settled()
    return reply


async def test_each_verdict_has_its_command(run: Running) -> None:
    assert await omni(run, "list") == (0, "every reply is settled\n", "")
    lost = await doubtful(run, Unknown("the link broke"), "a@example.org")
    refused = await doubtful(run, Failed("no such mailbox"), "b@example.org")
    third = await doubtful(run, Unknown("the link broke"), "c@example.org")

    code, out, _ = await omni(run, "list", "--json")
    assert code == 1, "something waits for a decision"
    assert {(item["message"]["id"], item["state"]) for item in json.loads(out)} == {
        (lost.id, "unknown"),
        (refused.id, "failed"),
        (third.id, "unknown"),
    }
    _, table, _ = await omni(run, "list")
    assert "no such mailbox" in table

    assert (await omni(run, "arrived", str(lost.id)))[:2] == (0, f"settled: {lost.id}\n")
    assert (await omni(run, "drop", str(refused.id)))[0] == 0
    assert [sent.to for sent in run.letters.sent] == ["a@example.org", "b@example.org", "c@example.org"]

    code, out, _ = await omni(run, "again", "--all", "--json")
    assert (code, json.loads(out)["message_ids"]) == (0, [third.id])
    await run.settled()
    assert run.letters.sent[-1].to == "c@example.org"
    assert run.letters.sent[-1].key == run.letters.sent[-2].key, "the same message, not a new one"
    assert (await omni(run, "list"))[0] == 0


async def test_what_it_refuses(run: Running) -> None:
    code, _, err = await omni(run, "again")
    assert code == 2
    assert "--all" in err
    code, _, err = await omni(run, "arrived", "4711")
    assert code == 1
    assert "4711" in err
