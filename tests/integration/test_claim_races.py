"""Two operators, one conversation: exactly one owner, every time, through real transactions."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.base import InboundEvent, Sender
from server.cases import casework
from server.clock import SystemClock
from server.intake import Policy, take_in
from server.lifecycle import TakenError
from server.people.authors import ChannelFacts
from server.protocol import OperatorInfo
from server.store import offline, operators
from server.store.database import Database
from server.store.transaction import Snapshot, Transaction

RACES = 1_000
MAIL = ChannelFacts(id="mail", scheme="email", account="")


def arrive(tx: Transaction) -> list[int]:
    found = []
    for number in range(RACES):
        event = InboundEvent(
            kind="message",
            dedupe_key=f"{number}",
            sender=Sender(external_id=f"c{number}@example.org"),
            text="hello",
        )
        conversation_id = take_in(tx, MAIL, event, [], Policy()).conversation_id
        assert conversation_id is not None
        found.append(conversation_id)
    return found


async def test_a_thousand_races_have_a_thousand_winners(tmp_path: Path) -> None:
    offline.create(tmp_path)
    database = Database(tmp_path / offline.DATABASE, SystemClock())
    await database.open()
    try:
        people = [
            await database.write(lambda tx, n=name: operators.add(tx, n, n.title(), "operator", None))  # type: ignore[misc]
            for name in ("olga", "ivan")
        ]
        waiting = await database.write(arrive)

        async def claim(key: int, who: OperatorInfo) -> int | None:
            try:
                await database.write(lambda tx: casework.claim(tx, key, who, None))
            except TakenError as error:
                return error.holder_id
            return None

        for start in range(0, RACES, 100):
            racing = waiting[start : start + 100]
            # Some beside each other in one commit, some in different ones; who asks first takes turns.
            results = await asyncio.gather(
                *(
                    claim(key, who)
                    for place, key in enumerate(racing)
                    for who in (people if place % 2 else people[::-1])
                )
            )
            for place in range(len(racing)):
                one, other = results[2 * place : 2 * place + 2]
                first, second = people if place % 2 else people[::-1]
                # Exactly one won, and the other one was told who.
                assert (one, other) in ((None, first.id), (second.id, None))

        def owners(tx: Snapshot) -> list[tuple[int, int]]:
            return [
                (row["assignee_id"], row["told"])
                for row in tx.all(
                    "SELECT assignee_id, (SELECT count(*) FROM event e WHERE e.conversation_id = c.id"
                    " AND e.kind = 'conversation.assigned') AS told FROM conversation c"
                )
            ]

        held = await database.read(owners)
        assert len(held) == RACES
        assert {told for _, told in held} == {1}
        assert {owner for owner, _ in held} == {one.id for one in people}
    finally:
        await database.close()
