"""Who has what, and who is there: waited for on a running server, whose dispatcher works by itself."""

from __future__ import annotations

import asyncio

from server.protocol import OperatorInfo
from tests.fakes.asking import ask
from tests.fakes.running_server import Running

PATIENCE_S = 10.0


async def row_of(run: Running, conversation_id: int | None) -> dict[str, object]:
    [row] = await run.read("SELECT * FROM conversation WHERE id = ?", conversation_id)
    return row


async def holder(run: Running, conversation_id: int | None, login: str | None) -> None:
    """Until this operator has it (None: nobody)."""
    people = {row["login"]: row["id"] for row in await run.read("SELECT id, login FROM operator")}
    wanted = None if login is None else people[login]
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (await row_of(run, conversation_id))["assignee_id"] != wanted:  # noqa: ASYNC110 - the server works by itself
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"{login} never got {await row_of(run, conversation_id)}") from None


async def be(run: Running, uid: int, state: str) -> OperatorInfo:
    return await ask(run, OperatorInfo, "PUT", "/v1/presence", uid, state=state)


async def presence_of(run: Running, login: str) -> str | None:
    rows = await run.read(
        "SELECT p.state FROM presence p JOIN operator o ON o.id = p.operator_id WHERE o.login = ?", login
    )
    return str(rows[0]["state"]) if rows else None


async def present(run: Running, login: str, state: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await presence_of(run, login) != state:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"{login} is {await presence_of(run, login)}, never {state}") from None
