"""Who is looking, who is typing, and who is called to a note: real doors, held time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from omni_console.client import ServerClient
from server.onlookers import COALESCE_MS, LOOKS_MS, TYPES_MS
from server.protocol import (
    Company,
    Envelope,
    MentionPage,
    NoteCommand,
    Onlooker,
    OperatorInfo,
    Whereabouts,
)
from server.store import operators as accounts
from tests.fakes.running_server import (
    IVAN,
    OLGA,
    RITA,
    Listening,
    Running,
    only,
    refusal,
    running_server,
    until,
)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_server() as it:
        yield it


def companies(listening: Listening) -> list[Company]:
    return [msgspec.json.decode(one.body, type=Company) for one in listening.heard if one.type == "presence"]


async def who(client: ServerClient) -> dict[str, OperatorInfo]:
    return {one.login: one for one in await client.operators()}


async def called(client: ServerClient) -> MentionPage:
    return await client.mentions()


async def note(client: ServerClient, conversation_id: int, text: str, key: str = "note-1") -> int:
    return (await client.note(conversation_id, NoteCommand(client_id=key, text=text))).id


# --- looking and typing ---------------------------------------------------------------------------------


async def test_two_consoles_see_each_other_within_the_coalescing_time(running: Running) -> None:
    await running.hook("hello")
    olga, ivan = await running.listen(OLGA), await running.listen(IVAN)
    people, key = await who(olga.client), (await only(olga.client)).id
    mine, his = people["olga"].id, people["ivan"].id
    events = await running.newest()

    await olga.client.attend(Whereabouts(open=[key]))
    await until(lambda: bool(companies(ivan)))
    assert companies(ivan) == [Company(conversation_id=key, people=[Onlooker(operator_id=mine)])]

    # More than one change at the same moment: they are held, and told as one.
    await ivan.client.attend(Whereabouts(open=[key]))
    await ivan.client.attend(Whereabouts(open=[key], typing=key, kind="note"))
    await ivan.client.attend(Whereabouts(open=[key], typing=key))
    await until(lambda: len(running.server.hub.onlookers.told()) == 1)
    await asyncio.sleep(0.1)  # the housekeeper of the test comes by several times
    assert len(companies(olga)) == 1
    running.clock.advance(COALESCE_MS)
    both = [Onlooker(operator_id=mine), Onlooker(operator_id=his, writing="reply")]
    await until(lambda: len(companies(olga)) == 2)
    assert companies(olga)[-1] == Company(conversation_id=key, people=both)

    # He stops typing without a word, then both stop renewing.
    running.clock.advance(TYPES_MS)
    await until(lambda: len(companies(olga)) == 3)
    assert companies(olga)[-1].people == [Onlooker(operator_id=mine), Onlooker(operator_id=his)]
    running.clock.advance(LOOKS_MS)
    await until(lambda: len(companies(olga)) == 4)
    assert companies(olga)[-1] == Company(conversation_id=key)
    assert await running.newest() == events, "nothing of it is written"


async def test_a_console_that_goes_away_is_gone_and_one_that_comes_hears_who_is_there(
    running: Running,
) -> None:
    await running.hook("hello")
    ivan = await running.listen(IVAN)
    key = (await only(ivan.client)).id
    his = (await who(ivan.client))["ivan"].id
    await ivan.client.attend(Whereabouts(open=[key]))
    await until(lambda: bool(companies(ivan)))
    olga = await running.listen(OLGA)
    await until(lambda: bool(companies(olga)))
    assert companies(olga) == [Company(conversation_id=key, people=[Onlooker(operator_id=his)])]
    await ivan.stop()
    running.clock.advance(COALESCE_MS)
    await until(lambda: len(companies(olga)) == 2)
    assert companies(olga)[-1] == Company(conversation_id=key)


async def test_a_console_says_again_what_it_shows_when_it_is_back(running: Running) -> None:
    await running.hook("hello")
    ivan = await running.listen(IVAN)
    olga = await running.listen(OLGA)
    key = (await only(ivan.client)).id
    his = (await who(ivan.client))["ivan"].id
    await ivan.client.attend(Whereabouts(open=[key]))
    await until(lambda: bool(companies(olga)))
    running.clock.advance(COALESCE_MS)
    running.server.hub.end_operator(his, "a test")
    await until(lambda: len(companies(olga)) == 2)
    assert companies(olga)[-1] == Company(conversation_id=key)
    running.clock.advance(COALESCE_MS)
    await until(lambda: len(companies(olga)) == 3)
    assert companies(olga)[-1] == Company(conversation_id=key, people=[Onlooker(operator_id=his)])


async def test_who_only_reads_looks_and_does_not_type(running: Running) -> None:
    await running.hook("hello")
    rita, olga = await running.listen(RITA), await running.listen(OLGA)
    key = (await only(olga.client)).id
    reader = (await who(olga.client))["rita"].id
    await rita.client.attend(Whereabouts(open=[key], typing=key))
    await until(lambda: bool(companies(olga)))
    assert companies(olga)[-1].people == [Onlooker(operator_id=reader)]


@contextlib.asynccontextmanager
async def raw_stream(running: Running, uid: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    connector = aiohttp.UnixConnector(path=running.socket)
    headers = {"Authorization": f"Bearer {uid}"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect("http://omni/v1/events", headers=headers) as socket,
    ):
        await socket.send_str('{"protocol": 1, "resume": null}')
        yield socket


async def test_frames_that_make_no_sense_change_nothing_and_end_nothing(running: Running) -> None:
    await running.hook("hello")
    olga = await running.listen(OLGA)
    key = (await only(olga.client)).id
    async with raw_stream(running, IVAN) as socket:
        for nonsense in (
            "[]",
            "{",
            '{"open": "all"}',
            '{"open": [1,2,3,4,5,6,7,8,9]}',
            '{"typing": "x"}',
            "0",
        ):
            await socket.send_str(nonsense)
        await socket.send_bytes(b"\x00")
        await socket.send_str(f'{{"open": [{key}], "from a newer console": true}}')
        await until(lambda: bool(companies(olga)))
        assert [one.conversation_id for one in companies(olga)] == [key]
        assert not socket.closed


async def test_signs_of_life_go_on_while_people_come_and_go(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passes by carries no seq: a stream that hears nothing else still learns how far the log went."""
    monkeypatch.setattr("server.api.events.HEARTBEAT_S", 0.05)
    await running.hook("hello")
    olga = await running.listen(OLGA)
    key = (await only(olga.client)).id
    async with raw_stream(running, IVAN) as socket:
        heard: list[Envelope] = []
        async with asyncio.timeout(10):
            for number in range(1_000):
                await olga.client.attend(Whereabouts(open=[key] if number % 2 else []))
                running.clock.advance(COALESCE_MS)
                with contextlib.suppress(TimeoutError):
                    frame = await socket.receive_str(timeout=0.02)
                    heard.append(msgspec.json.decode(frame, type=Envelope))
                if sum(one.type == "heartbeat" for one in heard) > 1:
                    break
        assert sum(one.type == "presence" for one in heard) > 1
        assert [one.seq for one in heard if one.type == "heartbeat"][-1] == await running.newest()


async def test_a_customer_who_types_is_shown_until_he_has_written_and_nothing_is_kept(
    running: Running,
) -> None:
    await running.hook("", kind="typing")  # of somebody we do not know: nobody's conversation
    await running.hook("hello")
    olga = await running.listen(OLGA)
    key = (await only(olga.client)).id
    rows = "SELECT (SELECT count(*) FROM journal) AS journal, (SELECT count(*) FROM event) AS event"
    before = await running.read(rows)
    await running.hook("", kind="typing")
    await until(lambda: bool(companies(olga)))
    assert companies(olga) == [Company(conversation_id=key, customer_types=True)]
    assert await running.read(rows) == before
    await running.hook("here it is")
    running.clock.advance(COALESCE_MS)
    await until(lambda: len(companies(olga)) == 2)
    assert companies(olga)[-1] == Company(conversation_id=key)


# --- mentions -------------------------------------------------------------------------------------------


async def test_a_note_calls_the_colleague_it_names_and_nobody_else_hears_of_it(running: Running) -> None:
    await running.hook("hello")
    olga, ivan, rita = await running.listen(OLGA), await running.listen(IVAN), await running.listen(RITA)
    key = (await only(olga.client)).id
    people = await who(olga.client)
    written = await note(olga.client, key, "@ivan, and @ivan again: ask me, @olga, or @nobody at me@rita")
    await until(lambda: bool(ivan.events("mention.")))
    [told] = ivan.bodies("mention.added")
    assert (told.message_id, told.operator_id) == (written, people["ivan"].id)
    assert told.data["by"] == people["olga"].id
    seq = await running.newest()
    await olga.reached(seq)
    await rita.reached(seq)
    assert olga.events("mention.") == rita.events("mention.") == []

    page = await called(ivan.client)
    assert page.open == 1
    [mention] = page.items
    assert (mention.note.id, mention.conversation_id) == (written, key)
    assert mention.note.text.startswith("@ivan, and")
    assert (await called(olga.client)).items == []

    assert (await refusal(olga.client.mention_seen(mention.id))).body.code == "not_found"
    seen = await ivan.client.mention_seen(mention.id)
    assert seen.seen_at == running.clock.now()
    assert await ivan.client.mention_seen(mention.id) == seen
    assert (await called(ivan.client)).open == 0
    await until(lambda: len(ivan.events("mention.seen")) == 1)


async def test_a_resume_tells_of_ones_own_mentions_alone(running: Running) -> None:
    await running.hook("hello")
    olga = await running.client(OLGA)
    key, before = (await only(olga)).id, await running.newest()
    await note(olga, key, "@ivan @rita")
    ivan, rita = await running.listen(IVAN, before), await running.listen(RITA, before)
    seq = await running.newest()
    await ivan.reached(seq)
    await rita.reached(seq)
    assert len(ivan.events("mention.")) == len(rita.events("mention.")) == 1
    # Whoever may only read may have read it.
    [mention] = (await called(rita.client)).items
    assert (await rita.client.mention_seen(mention.id)).seen_at is not None


async def test_a_note_written_twice_calls_once(running: Running) -> None:
    await running.hook("hello")
    olga, ivan = await running.client(OLGA), await running.client(IVAN)
    key = (await only(olga)).id
    assert await note(olga, key, "@ivan") == await note(olga, key, "@ivan")
    assert (await called(ivan)).open == 1


async def test_who_may_not_read_is_not_called_and_the_writer_is_told(running: Running) -> None:
    await running.hook("hello")
    olga = await running.client(OLGA)
    key = (await only(olga)).id
    await running.server.database.write(lambda tx: accounts.disable(tx, "ivan"))
    problem = (await refusal(note(olga, key, "@rita, @ivan knows"))).body
    assert problem.code == "illegal_state"
    assert "Ivan may not see" in problem.message
    assert "without @" in problem.hint
    assert await running.read("SELECT 1 FROM mention") == []
    assert (await olga.detail(key)).history.messages[-1].kind == "in"


async def test_mentions_page_by_key(running: Running) -> None:
    await running.hook("hello")
    olga, ivan = await running.client(OLGA), await running.client(IVAN)
    key = (await only(olga)).id
    written = [await note(olga, key, f"@ivan {number}", f"note-{number}") for number in range(5)]
    heard: list[int] = []
    after: str | None = None
    while True:
        page = await ivan.mentions(after, limit=2)
        assert page.open == 5
        heard += [one.note.id for one in page.items]
        after = page.next
        if after is None:
            break
    assert heard == written[::-1]


async def test_erasing_the_customer_takes_the_mentions_along(running: Running) -> None:
    await running.hook("hello")
    olga, ivan = await running.client(OLGA), await running.client(IVAN)
    conversation = await only(olga)
    await note(olga, conversation.id, "@ivan")
    path = f"/v1/customers/{conversation.customer_id}/erase"
    body = msgspec.json.encode({"name": conversation.customer, "reason": "asked for"})
    status, answer = await running.ask("POST", path, body, uid=None)
    assert status == 200, answer
    page = await called(ivan)
    assert (page.items, page.open) == ([], 0)
