"""Six digits that a person tells: sent to where he says he is, short-lived, few tries, once, and audited."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from channels.base import Fold, Retry
from server.protocol import CodeMade, ErrorAnswer, Tried
from server.store import codes
from tests.fakes.running_server import RITA, Running, only, running_server

MASK = "\u2022" * 6
MINUTE_MS = 60_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


class Scene:
    """A visitor who says that ivan@example.org is his."""

    def __init__(self, run: Running) -> None:
        self.run = run

    async def begin(self) -> None:
        self.visitor = await self.run.visitor()
        await self.visitor.say("my card is blocked")
        await self.visitor.post("/contact", {"email": "ivan@example.org"})
        [row] = await self.run.read("SELECT id, customer_id FROM conversation WHERE channel_id = 'site'")
        self.conversation, self.customer = row["id"], row["customer_id"]
        [claim] = await self.run.read(
            "SELECT id FROM address WHERE external_id = 'ivan@example.org' AND verified = 0"
        )
        self.claim = claim["id"]

    async def ask(self, uid: int = 4711, **other: Any) -> tuple[int, bytes]:
        body = {
            "kind": "digits",
            "channel_id": "mail",
            "address_id": self.claim,
            "client_id": f"code-{next(self.run.numbers)}",
            **other,
        }
        path = f"/v1/conversations/{self.conversation}/codes"
        return await self.run.ask("POST", path, msgspec.json.encode(body), uid=uid)

    async def send(self, **other: Any) -> tuple[CodeMade, str]:
        status, data = await self.ask(**other)
        assert status == 200, data
        await self.run.settled()
        found = re.search(r"\b(\d{6})\b", self.run.letters.sent[-1].text)
        assert found is not None
        return msgspec.json.decode(data, type=CodeMade), found[1]

    async def kinds(self) -> list[str]:
        rows = await self.run.read("SELECT kind FROM event WHERE kind LIKE 'identity.code%' ORDER BY seq")
        return [row["kind"] for row in rows]

    async def proof(self) -> list[tuple[int, int, str]]:
        rows = await self.run.read(
            "SELECT customer_id, verified, proof FROM address"
            " WHERE external_id = 'ivan@example.org' ORDER BY id"
        )
        return [(row["customer_id"], row["verified"], row["proof"]) for row in rows]


@pytest.fixture
async def scene(run: Running) -> Scene:
    made = Scene(run)
    await made.begin()
    return made


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06}"


async def test_who_tells_the_code_has_the_address(scene: Scene, run: Running) -> None:
    made, digits = await scene.send()
    [sent] = run.letters.sent
    assert (sent.to, sent.automatic, sent.subject) == ("ivan@example.org", True, "Your code")
    # Nobody but its receiver sees it: not the operator, not the database.
    olga = await run.client()
    detail = await olga.detail(scene.conversation)
    assert MASK in detail.history.messages[-1].text
    dump = await run.read("SELECT hex(digest) AS digest, hex(nonce) AS nonce FROM code")
    assert digits.encode().hex().upper() not in dump[0]["digest"] + dump[0]["nonce"]
    assert all(digits not in row["text"] for row in await run.read("SELECT text FROM message"))
    before = (detail.conversation.state, detail.conversation.waiting_since, detail.conversation.assignee_id)
    assert before[0] == "open"
    await scene.visitor.say(f" {digits[:3]} {digits[3:]} ")
    assert await scene.proof() == [(scene.customer, 1, "code")]
    assert await scene.kinds() == ["identity.code_sent", "identity.code_used"]
    labels = {way.channel_id for way in (await olga.detail(scene.conversation)).ways}
    assert labels == {"mail", "site"}
    row = await only(olga)
    assert (row.state, row.waiting_since, row.assignee_id) == before
    # Once: nonce and code are gone.
    [code] = await run.read("SELECT * FROM code")
    assert (code["ended"], code["nonce"], code["id"]) == ("used", None, made.id)
    await scene.visitor.say(digits)
    assert await scene.kinds() == ["identity.code_sent", "identity.code_used"]


async def test_the_visit_is_known_for_thirty_days_by_it(scene: Scene, run: Running) -> None:
    olga = await run.client()
    _, digits = await scene.send()
    await scene.visitor.say(digits)
    way = next(one for one in (await olga.detail(scene.conversation)).ways if one.channel_id == "site")
    assert way.known_until == run.clock.now() + 30 * 86_400_000


async def test_who_has_shown_who_he_is_is_not_asked_again(scene: Scene, run: Running) -> None:
    _, digits = await scene.send()
    await scene.visitor.say(digits)
    status, data = await scene.ask()
    error = msgspec.json.decode(data, type=ErrorAnswer).error
    assert (status, error.code) == (409, "known")
    day = datetime.fromtimestamp(run.clock.now() / 1000 + 30 * 86_400, UTC).date()
    assert error.message.endswith(f" shows who he is, until {day}") and "`again`" in error.hint
    assert await scene.kinds() == ["identity.code_sent", "identity.code_used"]
    assert (await scene.ask(again=True))[0] == 200
    # To go on elsewhere is no question of who he is.
    assert (await scene.ask(kind="link"))[0] == 200
    run.clock.advance(30 * 86_400_000)
    assert (await scene.ask())[0] == 200


async def test_two_cards_become_one_by_it_and_two_again(scene: Scene, run: Running) -> None:
    await run.letters.hear("ivan@example.org", "a letter", "Иван")
    olga = await run.client()
    _, digits = await scene.send()
    await scene.visitor.say(digits)
    [merge] = await run.read("SELECT * FROM merge")
    assert "code" in merge["evidence"]
    assert len({row.customer_id for row in (await olga.conversations("all")).items}) == 1
    status, _ = await run.ask("POST", f"/v1/merges/{merge['id']}/undo", b"{}")
    assert status == 200
    assert len({row.customer_id for row in (await olga.conversations("all")).items}) == 2


async def test_five_wrong_tries_and_it_is_over(scene: Scene, run: Running) -> None:
    made, digits = await scene.send()
    for left in (4, 3, 2):
        await scene.visitor.say(wrong(digits))
        [code] = await run.read("SELECT tries_left FROM code")
        assert code["tries_left"] == left
    for left in (1, 0):
        status, data = await run.ask(
            "POST", f"/v1/codes/{made.id}/try", msgspec.json.encode({"code": wrong(digits)})
        )
        assert (status, msgspec.json.decode(data, type=Tried).tries_left) == (200, left)
    await scene.visitor.say(digits)
    assert (await scene.proof())[0][1] == 0
    status, data = await run.ask("POST", f"/v1/codes/{made.id}/try", msgspec.json.encode({"code": digits}))
    assert status == 409 and b"tries" in data
    assert (await scene.kinds()).count("identity.code_failed") == 5


async def test_an_operator_hears_it_by_telephone(scene: Scene, run: Running) -> None:
    made, digits = await scene.send()
    body = msgspec.json.encode({"code": f"{digits[:2]}-{digits[2:4]}-{digits[4:]}"})
    assert (await run.ask("POST", f"/v1/codes/{made.id}/try", body, uid=RITA))[0] == 403
    status, data = await run.ask("POST", f"/v1/codes/{made.id}/try", body)
    assert (status, msgspec.json.decode(data, type=Tried).right) == (200, True)
    assert await scene.proof() == [(scene.customer, 1, "code")]
    [used] = await run.read("SELECT operator_id FROM event WHERE kind = 'identity.code_used'")
    assert used["operator_id"] is not None
    assert (await run.ask("POST", "/v1/codes/999/try", body))[0] == 404
    assert (await run.ask("POST", f"/v1/codes/{made.id}/try", b'{"code": "12345"}'))[0] == 400
    arabic = msgspec.json.encode({"code": "\u0661" * 6})
    assert (await run.ask("POST", f"/v1/codes/{made.id}/try", arabic))[0] == 400


async def test_after_ten_minutes_it_is_over(scene: Scene, run: Running) -> None:
    _, digits = await scene.send()
    run.clock.advance(10 * MINUTE_MS)
    await scene.visitor.say(digits)
    assert (await scene.proof())[0][1] == 0


async def test_a_newer_code_replaces_the_older_one(scene: Scene, run: Running) -> None:
    _, first = await scene.send()
    _, second = await scene.send()
    assert first != second
    await scene.visitor.say(first)
    assert (await scene.proof())[0][1] == 0
    await scene.visitor.say(second)
    assert (await scene.proof())[0][1] == 1


async def test_a_code_that_could_not_be_sent_in_time_is_not_sent(scene: Scene, run: Running) -> None:
    run.letters.results.append(Retry("the mail server is busy"))
    made = msgspec.json.decode((await scene.ask())[1], type=CodeMade)

    async def status() -> str:
        [row] = await run.read("SELECT status FROM message WHERE id = ?", made.message_id)
        return str(row["status"])

    async with asyncio.timeout(10):
        while await status() != "retrying":  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.005)
    run.clock.advance(11 * MINUTE_MS)
    await run.letters.hear("else@example.org", "hello")
    olga = await run.client()
    other = next(row for row in (await olga.conversations("all")).items if row.id != scene.conversation)
    await run.answer(olga, other.id, "this wakes the outbox")
    async with asyncio.timeout(10):
        while await status() != "failed" or len(run.letters.sent) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    assert [sent.to for sent in run.letters.sent] == ["ivan@example.org", "else@example.org"]


async def test_it_is_not_sent_without_limits(scene: Scene, run: Running) -> None:
    for _ in range(3):
        await scene.send()
    status, data = await scene.ask()
    assert status == 409 and b"within an hour" in data
    # Somebody else's conversation cannot go on bombing the same address.
    other = Scene(run)
    other.visitor = await run.visitor()
    await other.visitor.say("another one")
    await other.visitor.post("/contact", {"email": "ivan@example.org"})
    rows = await run.read("SELECT id FROM conversation ORDER BY id DESC LIMIT 1")
    claims = await run.read("SELECT id FROM address WHERE external_id = 'ivan@example.org' ORDER BY id DESC")
    other.conversation, other.claim = rows[0]["id"], claims[0]["id"]
    status, data = await other.ask()
    assert status == 409 and b"to this address" in data
    run.clock.advance(61 * MINUTE_MS)
    await scene.send()


async def test_whom_it_is_not_sent_to(scene: Scene, run: Running) -> None:
    first = await run.letters.hear("else@example.org", "a letter")
    [foreign] = await run.read("SELECT id FROM address WHERE external_id = 'else@example.org'")
    assert (await scene.ask(address_id=foreign["id"]))[0] == 409
    assert (await scene.ask(address_id=None))[0] == 409
    assert (await scene.ask(channel_id="site"))[0] == 409
    assert (await scene.ask(channel_id="nothing"))[0] == 409
    assert (await scene.ask(client_id=" "))[0] == 409
    assert (await scene.ask(uid=RITA))[0] == 403
    # A code that goes to where he writes from proves nothing.
    scene.conversation = first.conversation_id or 0
    assert (await scene.ask(address_id=foreign["id"]))[0] == 409
    assert run.letters.sent == []


async def test_asking_twice_with_one_id_asks_once(scene: Scene, run: Running) -> None:
    first, _ = await scene.send(client_id="the-same")
    again = msgspec.json.decode((await scene.ask(client_id="the-same"))[1], type=CodeMade)
    assert again.id == first.id and len(run.letters.sent) == 1


async def test_other_numbers_are_words_like_others(scene: Scene, run: Running) -> None:
    await scene.visitor.say("123456")
    assert await run.read("SELECT 1 FROM event WHERE kind LIKE 'identity.%'") == []
    _, digits = await scene.send()
    for text in (f"is it {digits}?", f"{digits}0", "\u0661\u0662\u0663\u0664\u0665\u0666"):
        await scene.visitor.say(text)
    [code] = await run.read("SELECT tries_left FROM code")
    assert code["tries_left"] == 5


async def test_a_stranger_in_the_conversation_tells_nothing(scene: Scene, run: Running) -> None:
    _, digits = await scene.send()
    await run.hook(digits, sender="buyer-9", key="order-9")
    assert (await scene.proof())[0][1] == 0
    [code] = await run.read("SELECT tries_left FROM code")
    assert code["tries_left"] == 5


async def test_what_ran_out_is_forgotten(scene: Scene, run: Running) -> None:
    await scene.send()
    run.clock.advance(11 * MINUTE_MS)
    assert await run.server.database.write(codes.forget_over) == 1
    [code] = await run.read("SELECT nonce FROM code")
    assert code["nonce"] is None


async def test_the_other_way_round_the_visitor_reads_it_in_his_window(run: Running) -> None:
    visitor = await run.visitor()
    await visitor.say("hello")
    [site] = await run.read("SELECT id, customer_id FROM address WHERE scheme = 'webchat'")
    await run.hook("it is me", sender="buyer-1", key="order-1")
    [market] = await run.read("SELECT id FROM conversation WHERE channel_id = 'market'")
    # An operator takes them for one person, and wants to be sure.
    body = msgspec.json.encode({"other_id": 2})
    assert (await run.ask("POST", f"/v1/customers/{site['customer_id']}/merge", body))[0] == 200
    command = {"kind": "digits", "channel_id": "site", "address_id": site["id"], "client_id": "c-1"}
    status, data = await run.ask(
        "POST", f"/v1/conversations/{market['id']}/codes", msgspec.json.encode(command)
    )
    assert status == 200, data
    await run.settled()
    shown = (await visitor.read(2))[-1]["text"]
    found = re.search(r"\b(\d{6})\b", shown)
    assert found is not None
    await run.hook(found[1], sender="buyer-1", key="order-1")
    rows = await run.read("SELECT ended FROM code")
    assert [row["ended"] for row in rows] == ["used"]
    # Used: nobody reads it any more, wherever it was written.
    assert MASK in (await visitor.read(2))[-1]["text"]


async def test_a_code_is_told_by_mail_above_what_it_quotes(run: Running) -> None:
    await run.hook("I bought it", sender="buyer-1", key="order-1")
    first = await run.letters.hear("ivan@example.org", "it is me")
    [market] = await run.read("SELECT id, customer_id FROM address WHERE scheme = 'webhook'")
    [mail] = await run.read("SELECT customer_id FROM address WHERE scheme = 'email'")
    body = msgspec.json.encode({"other_id": mail["customer_id"]})
    assert (await run.ask("POST", f"/v1/customers/{market['customer_id']}/merge", body))[0] == 200
    command = {"kind": "digits", "channel_id": "market", "address_id": market["id"], "client_id": "c-1"}
    command["again"] = True  # his letters show already who he is
    path = f"/v1/conversations/{first.conversation_id}/codes"
    status, data = await run.ask("POST", path, msgspec.json.encode(command))
    assert status == 200, data
    await run.settled()
    found = re.search(r"\b(\d{6})\b", run.receiver.texts()[-1])
    assert found is not None
    text = f"{found[1]}\n\n> Tell us the code\n-- \nIvan"
    folds = (Fold(kind="quoted", start=8, end=26), Fold(kind="signature", start=26, end=len(text)))
    await run.letters.hear("ivan@example.org", text, folds=folds)
    [code] = await run.read("SELECT ended FROM code")
    assert code["ended"] == "used"
