"""What a lead sees and moves: queues, loads, hand-overs counted; on a running server, with a held clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from server.protocol import Conversation, Moved, OperatorInfo, Overview, OverviewList, Proposal
from server.queue.team_settings import MemberSettings, TeamSettings
from server.settings import SendingSettings
from tests.fakes.asking import ask, refused
from tests.fakes.desks import be, holder, present, row_of
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, running_server

MINUTE_MS = 60_000
LEAD = None  # the account that this process runs as: an administrator


def teams(assignment: Any = "rules") -> dict[str, TeamSettings]:
    return {
        "support": TeamSettings(
            title="Support",
            channels=["site", "mail"],
            members={"olga": MemberSettings(), "ivan": MemberSettings()},
            assignment=assignment,
        ),
        "sales": TeamSettings(
            title="Sales", channels=["market"], members={"admin": MemberSettings()}, assignment=assignment
        ),
    }


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(teams=teams()) as running:
        yield running


@pytest.fixture
async def by_hand() -> AsyncIterator[Running]:
    async with running_server(teams=teams("claim")) as running:
        yield running


async def people(run: Running) -> dict[str, int]:
    return {one.login: one.id for one in await ask(run, list[OperatorInfo], "GET", "/v1/operators")}


async def look(run: Running) -> Overview:
    return await ask(run, Overview, "GET", "/v1/overview", LEAD)


async def letters(run: Running, count: int, first: int = 0) -> list[int]:
    found = []
    for number in range(first, first + count):
        heard = await run.letters.hear(f"c{number}@example.org", f"letter {number}")
        assert heard.conversation_id is not None
        found.append(heard.conversation_id)
        run.clock.advance(MINUTE_MS)
    return found


async def test_queues_and_loads(by_hand: Running) -> None:
    run = by_hand
    keys = await letters(run, 3)
    await run.hook("hello")
    olga = await run.client(OLGA)
    await olga.claim(keys[0], None)
    found = await look(run)
    queues = {one.channel_id: one for one in found.queues}
    mail = queues["mail"]
    assert (mail.team, mail.team_title, mail.unassigned, mail.open) == ("support", "Support", 2, 3)
    assert mail.oldest_at == (await row_of(run, keys[1]))["sort_at"]
    assert (queues["market"].team, queues["market"].unassigned, queues["site"].unassigned) == ("sales", 1, 0)
    assert found.queue == 3
    loads = {one.operator.login: one for one in found.loads}
    assert "rita" not in loads  # who may only read holds nothing
    assert [(one.medium, one.held, one.room) for one in loads["olga"].media] == [
        ("chat", 0, 3),
        ("messenger", 0, 5),
        ("email", 1, 7),
    ]
    assert (loads["olga"].held, loads["olga"].operator.room, loads["olga"].teams) == (1, 7, ["support"])
    assert loads["olga"].oldest_at == (await row_of(run, keys[0]))["sort_at"]
    await run.answer(olga, keys[0], "done")
    loads = {one.operator.login: one for one in (await look(run)).loads}
    assert (loads["olga"].held, loads["olga"].waiting, loads["olga"].oldest_at) == (0, 1, None)


async def test_the_lengths_stay_true_whatever_happens(by_hand: Running) -> None:
    run = by_hand
    keys = await letters(run, 4)
    olga = await run.client(OLGA)
    await olga.claim(keys[0], None)
    await olga.release(keys[0])
    await olga.claim(keys[1], None)
    await olga.close_conversation(keys[2], "a", "b")
    await olga.snooze(keys[3], run.clock.now() + 1)
    await ask(
        run, Conversation, "POST", f"/v1/conversations/{keys[0]}/assign", team="sales", note="they ask prices"
    )
    counted = await run.read(
        "SELECT channel_id, team, count(*) AS n FROM conversation"
        " WHERE state = 'open' AND assignee_id IS NULL GROUP BY channel_id, team"
    )
    kept = await run.read("SELECT channel_id, team, n FROM queue_length WHERE n != 0")
    assert [dict(row) for row in kept] == [dict(row) for row in counted]
    assert [(row["team"], row["n"]) for row in kept] == [("sales", 1)]


async def test_the_conversations_behind_a_figure(by_hand: Running) -> None:
    run = by_hand
    keys = await letters(run, 3)
    who = await people(run)
    olga = await run.client(OLGA)
    await olga.claim(keys[2], None)

    async def behind(query: str) -> list[int]:
        page = await ask(run, OverviewList, "GET", f"/v1/overview/conversations?{query}", LEAD)
        return [row.id for row in page.items]

    assert await behind("channel=mail") == keys[:2]
    assert await behind(f"operator={who['olga']}") == [keys[2]]
    assert await behind("") == []
    await ask(
        run,
        Conversation,
        "PATCH",
        f"/v1/conversations/{keys[1]}",
        next_step="call",
        due_at=run.clock.now() + MINUTE_MS,
    )
    assert await behind("") == [keys[1]]
    page = await ask(run, OverviewList, "GET", "/v1/overview/conversations?channel=mail&limit=1", LEAD)
    assert ([row.id for row in page.items], page.more) == (keys[:1], True)


@pytest.mark.parametrize("uid", [OLGA, RITA])
async def test_only_leads_see_and_move_it(run: Running, uid: int) -> None:
    no = await refused(run, 403, "GET", "/v1/overview", uid)
    assert "may not" in no.message and no.hint
    for path in ("/v1/overview/conversations", "/v1/overview/moves"):
        await refused(run, 403, "GET", path, uid)
    await refused(run, 403, "POST", "/v1/overview/moves", uid, moves=[])


# --- moves ----------------------------------------------------------------------------------------


async def test_untouched_work_is_proposed_moved_and_moved_back(run: Running) -> None:
    await run.listen(OLGA)
    await present(run, "olga", "available")
    keys = await letters(run, 4)
    for key in keys:
        await holder(run, key, "olga")
    await run.listen(IVAN)
    await present(run, "ivan", "available")
    who = await people(run)
    proposal = await ask(run, Proposal, "GET", "/v1/overview/moves", LEAD)
    assert [(one.conversation.id, one.to) for one in proposal.moves] == [(keys[0], "Ivan"), (keys[1], "Ivan")]
    assert proposal.untouched == 4
    # She begins the first one before the lead says yes.
    await ask(
        run, dict[str, Any], "PUT", f"/v1/conversations/{keys[0]}/draft", conversation_id=keys[0], text="dear"
    )
    moves = [
        {"conversation_id": one.conversation.id, "from_id": who["olga"], "to_id": one.to_id}
        for one in proposal.moves
    ]
    done = await ask(run, Moved, "POST", "/v1/overview/moves", LEAD, moves=moves)
    assert [one.conversation_id for one in done.moved] == [keys[1]]
    assert [(one.conversation_id, one.why) for one in done.skipped] == [(keys[0], "begun")]
    row = await row_of(run, keys[1])
    assert (row["assignee_id"], row["assigned_why"], row["transfers"]) == (who["ivan"], "moved by Anna", 0)
    back = [{"conversation_id": keys[1], "from_id": who["ivan"], "to_id": who["olga"]}]
    undone = await ask(run, Moved, "POST", "/v1/overview/moves", LEAD, moves=back, back=True)
    assert len(undone.moved) == 1
    assert (await row_of(run, keys[1]))["assignee_id"] == who["olga"]


async def test_nobody_is_moved_more_than_he_can_hold(run: Running) -> None:
    for uid, name in ((OLGA, "olga"), (IVAN, "ivan")):
        await run.listen(uid)
        await present(run, name, "available")
    keys = await letters(run, 14)  # both hold seven
    who = await people(run)
    for key in keys:
        row = await row_of(run, key)
        other = who["ivan"] if row["assignee_id"] == who["olga"] else who["olga"]
        move = {"conversation_id": key, "from_id": row["assignee_id"], "to_id": other}
        done = await ask(run, Moved, "POST", "/v1/overview/moves", LEAD, moves=[move])
        assert [one.why for one in done.skipped] == ["full"]


async def test_one_operators_work_goes_back_and_not_to_him_again(run: Running) -> None:
    await run.listen(OLGA)
    await present(run, "olga", "available")
    keys = await letters(run, 2)
    for key in keys:
        await holder(run, key, "olga")
    who = await people(run)
    path = f"/v1/overview/moves?operator={who['olga']}&to=queue"
    proposal = await ask(run, Proposal, "GET", path, LEAD)
    assert [(one.conversation.id, one.to_id) for one in proposal.moves] == [(key, None) for key in keys]
    moves = [{"conversation_id": key, "from_id": who["olga"], "to_id": None} for key in keys]
    done = await ask(run, Moved, "POST", "/v1/overview/moves", LEAD, moves=moves)
    assert len(done.moved) == 2
    third = await letters(run, 1, 2)  # the rules have looked since
    await holder(run, third[0], "olga")
    assert [(await row_of(run, key))["assignee_id"] for key in keys] == [None, None]
    await run.listen(IVAN)
    for key in keys:
        await holder(run, key, "ivan")
    everybody = await ask(run, Proposal, "GET", "/v1/overview/moves?to=queue", LEAD)
    assert {(one.conversation.id, one.to_id) for one in everybody.moves} == {
        (key, None) for key in (*keys, *third)
    }


async def test_what_a_lead_gave_or_took_is_taken_back_and_never_was_a_hand_over(by_hand: Running) -> None:
    run = by_hand
    [key] = await letters(run, 1)
    who = await people(run)
    await be(run, IVAN, "available")
    olga = await run.client(OLGA)
    await olga.claim(key, None)

    async def back(from_id: int | None, to_id: int | None) -> Moved:
        moves = [{"conversation_id": key, "from_id": from_id, "to_id": to_id}]
        return await ask(run, Moved, "POST", "/v1/overview/moves", LEAD, moves=moves, back=True)

    assert (await assign(run, key, LEAD, operator_id=who["ivan"], note="please")).transfers == 1
    assert (await back(who["ivan"], who["olga"])).skipped == []
    assert (await row_of(run, key))["transfers"] == 0
    admin = await run.client(LEAD)
    assert (await admin.claim(key, who["olga"])).team == "sales"
    assert (await back(who["admin"], who["olga"])).skipped == []
    assert ((await row_of(run, key))["team"], (await row_of(run, key))["transfers"]) == ("", 0)
    await assign(run, key, LEAD, team="sales", note="prices")
    assert (await back(None, who["olga"])).skipped == []
    await olga.release(key)
    await assign(run, key, LEAD, team="sales", note="prices")
    assert (await back(None, None)).skipped == []
    row = await row_of(run, key)
    assert (row["team"], row["transfers"], row["assignee_id"]) == ("", 0, None)
    # Whoever answered meanwhile keeps it.
    await olga.claim(key, None)
    await assign(run, key, LEAD, operator_id=who["ivan"], note="please")
    await run.answer(await run.client(IVAN), key, "I have it")
    assert [one.why for one in (await back(who["ivan"], who["olga"])).skipped] == ["begun"]
    assert (await look(run)).day.handed_over == 1


# --- hand-overs -----------------------------------------------------------------------------------


async def assign(run: Running, key: int, uid: int | None, **to: Any) -> Conversation:
    return await ask(run, Conversation, "POST", f"/v1/conversations/{key}/assign", uid, **to)


async def test_hand_overs_are_counted_and_declined_ones_are_none(by_hand: Running) -> None:
    run = by_hand
    keys = await letters(run, 3)
    who = await people(run)
    await be(run, IVAN, "available")
    olga, ivan = await run.client(OLGA), await run.client(IVAN)
    # From the queue to somebody of the same team: none. To a colleague: one. Taken over: another one.
    assert (await assign(run, keys[0], OLGA, operator_id=who["ivan"], note="yours")).transfers == 0
    await olga.claim(keys[1], None)
    assert (await assign(run, keys[1], OLGA, operator_id=who["ivan"], note="please")).transfers == 1
    assert (await olga.claim(keys[1], who["ivan"])).transfers == 2
    await olga.claim(keys[2], None)
    await assign(run, keys[2], OLGA, operator_id=who["ivan"], note="please")
    back = await ivan.decline(keys[2], "no")
    assert (back.assignee, back.transfers) == ("Olga", 0)
    for key in keys:
        await olga.close_conversation(key, "a", "b")
    day = (await look(run)).day
    assert (day.closed, day.none, day.once, day.more) == (3, 2, 0, 1)
    assert (day.handed_over, day.between_teams, day.declined) == (2, 0, 1)
    run.clock.advance(2 * 24 * 60 * MINUTE_MS)
    found = await look(run)
    assert (found.day.closed, found.week.closed, found.week.declined) == (0, 3, 1)


async def test_a_team_gets_it_with_a_note_and_may_decline(run: Running) -> None:
    await run.listen(OLGA)
    await present(run, "olga", "available")
    [key] = await letters(run, 1)
    await holder(run, key, "olga")
    path = f"/v1/conversations/{key}"
    assert "needs a note" in (await refused(run, 409, "POST", f"{path}/assign", team="sales")).message
    no = await refused(run, 409, "POST", f"{path}/assign", team="support", note="x")
    assert "already" in no.message
    await refused(run, 404, "POST", f"{path}/assign", team="nobody", note="x")
    assert "to whom" in (await refused(run, 409, "POST", f"{path}/assign", note="x")).message
    before = await row_of(run, key)
    given = await assign(run, key, OLGA, team="sales", note="he asks for the price of a hundred")
    assert (given.assignee_id, given.team, given.assigned_why) == (None, "sales", "team sales")
    assert (given.waiting_since, given.transfers) == (before["waiting_since"], 1)
    found = await look(run)
    [handed] = [one for one in found.queues if one.handed]
    assert (handed.channel_id, handed.team_title, handed.unassigned) == ("mail", "Sales", 1)
    assert (found.day.handed_over, found.day.between_teams) == (1, 1)
    # Nobody of support gets it; who comes to sales does, and has his time to decline from then on.
    run.clock.advance(5 * MINUTE_MS)
    await run.listen(None)
    await holder(run, key, "admin")
    row = await row_of(run, key)
    assert row["decline_until"] == run.clock.now() + MINUTE_MS
    run.clock.advance(MINUTE_MS - 1)
    back = await ask(run, Conversation, "POST", f"{path}/decline", LEAD, reason="not ours")
    assert (back.assignee, back.team, back.transfers, back.assigned_why) == ("Olga", "", 0, "declined")
    assert back.waiting_since == before["waiting_since"]
    day = (await look(run)).day
    assert (day.handed_over, day.between_teams, day.declined) == (0, 0, 1)


async def test_a_team_that_takes_by_hand_declines_what_nobody_has_yet(by_hand: Running) -> None:
    run = by_hand
    [key] = await letters(run, 1)
    olga = await run.client(OLGA)
    await olga.claim(key, None)
    await assign(run, key, OLGA, team="sales", note="prices")
    path = f"/v1/conversations/{key}/decline"
    await refused(run, 409, "POST", path, IVAN, reason="I am of another team")
    run.clock.advance(MINUTE_MS + 1)
    assert "is over" in (await refused(run, 409, "POST", path, LEAD, reason="no")).message
    await olga.claim(key, None)
    await assign(run, key, OLGA, team="sales", note="prices, really")
    back = await ask(run, Conversation, "POST", path, LEAD, reason="no")
    assert (back.assignee, back.team) == ("Olga", "")


async def test_what_was_handed_to_a_team_can_be_declined_after_a_reply_was_taken_back() -> None:
    async with running_server(teams=teams("claim"), sending=SendingSettings(hold_letters_seconds=10)) as run:
        [key] = await letters(run, 1)
        olga, lead = await run.client(OLGA), await run.client(LEAD)
        await olga.claim(key, None)
        given = await assign(run, key, OLGA, team="sales", note="prices")
        reply = await run.answer(lead, key, "ten each")
        await lead.withdraw(reply.id)
        now = (await lead.detail(key)).conversation
        assert now == replace(given, seq=now.seq)
        back = await ask(run, Conversation, "POST", f"/v1/conversations/{key}/decline", LEAD, reason="no")
        assert (back.assignee, back.team) == ("Olga", "")


async def test_hand_overs_are_measured(by_hand: Running) -> None:
    run = by_hand
    keys = await letters(run, 2)
    olga = await run.client(OLGA)
    for key in keys:
        await olga.claim(key, None)
    await assign(run, keys[0], OLGA, team="sales", note="prices")
    await olga.claim(keys[0], None)
    for key in keys:
        await olga.close_conversation(key, "a", "b")
    _, body = await run.ask("GET", "/metrics", uid=LEAD)
    text = body.decode()
    # Sales never had it: that she took it back is a hand-over between teams, too.
    assert 'omni_closed_day{transfers="0"} 1.0' in text
    assert 'omni_closed_day{transfers="2+"} 1.0' in text
    assert 'omni_transfers_day{kind="between"} 2.0' in text
    assert 'omni_transfers_day{kind="declined"} 0.0' in text
