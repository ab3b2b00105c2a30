"""How soon waiting work is given on when somebody has room again, and how long a page of the queue takes.

Fifty operators with room for seven are busy, and ten thousand conversations wait. One after another closes a
conversation; `assign` is the time from the event of that to the event that gives him the next one. `list` is
one page of the queue with its counts, asked by the operator API and read to the last byte. `growth` is the
worse of the two between a thousand and a hundred thousand waiting ones, of medians: the sizes are measured in
turns. Goals: 50 ms and 20 ms (p99), 1.2.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.harness import SECRET, configure, percentile
from server.app import Server
from server.cases import casework
from server.config import load
from server.protocol import CloseCommand, ConversationPage, OperatorInfo
from server.store import card_search, offline, search
from server.store.transaction import Event

SIZES = (1_000, 10_000, 100_000)  # waiting conversations; the goals are those of the second
OPERATORS = 50
ROOM = 7
ROUNDS = 5
ANSWERS = 100  # a round
PAGES = 80  # a round
PATIENCE_S = 10.0
FILLED_S = 300.0

TEAM = """
[queue]
away_seconds = 86400

[teams.support]
channels = ["hook"]
capacity = {{ messenger = {room}, total = {room} }}

[teams.support.members]
{members}
"""

Figures = dict[str, float]
Say = Callable[[str], None]


def measure(folder: Path, say: Say) -> Figures:
    os.environ["OMNI_BENCHMARK"] = SECRET
    return asyncio.run(_measure(folder, say))


async def _measure(folder: Path, say: Say) -> Figures:
    assign: dict[int, list[list[float]]] = {size: [] for size in SIZES}
    pages: dict[int, list[list[float]]] = {size: [] for size in SIZES}
    async with AsyncExitStack() as stack:
        centres = {}
        for size in SIZES:
            place = folder / str(size)
            place.mkdir(parents=True, exist_ok=True)
            path = configure(place)
            members = "\n".join(f"op{number} = {{}}" for number in range(OPERATORS))
            path.write_text(path.read_text() + TEAM.format(room=ROOM, members=members))
            await asyncio.to_thread(_fill, place, size)
            centres[size] = await stack.enter_async_context(Centre(path))
            say(f"{size} conversations wait")
        for number in range(ROUNDS + 1):  # the first one warms up and is not counted
            for size, centre in centres.items():
                given, read = await centre.assigned(), await centre.listed()
                if number:
                    assign[size].append(given)
                    pages[size].append(read)
    figures: Figures = {}
    for name, rounds in (("assign", assign), ("list", pages)):
        for size in SIZES:
            whole = [seconds for one in rounds[size] for seconds in one]
            for share in (0.5, 0.99):
                key = f"{name}_p{share * 100:.0f}_ms_{size}"
                figures[key] = round(percentile(whole, share) * 1000, 2)
                say(f"{key:28}{figures[key]:>10}")
        figures[f"{name}_p99_ms"] = figures[f"{name}_p99_ms_{SIZES[1]}"]
        figures[f"{name}_growth"] = round(_growth(rounds), 3)
    figures["growth"] = max(figures["assign_growth"], figures["list_growth"])
    return figures


def _growth(rounds: dict[int, list[list[float]]]) -> float:
    """Of the medians, round by round: the machine's mood is that of both sizes."""
    few, many = rounds[SIZES[0]], rounds[SIZES[-1]]
    return statistics.median(
        statistics.median(b) / statistics.median(a) for a, b in zip(few, many, strict=True)
    )


class Centre:
    """A server with its queue."""

    def __init__(self, config: Path) -> None:
        self._server = Server(load(config))
        self._stack = AsyncExitStack()
        self._heard: asyncio.Queue[tuple[float, Event]] = asyncio.Queue()
        self._next = 0

    async def __aenter__(self) -> Centre:
        await self._stack.enter_async_context(self._server.run())
        connector = aiohttp.UnixConnector(path=str(self._server.config.server.socket))
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        self._server.hub.on_event.append(lambda event: self._heard.put_nowait((time.perf_counter(), event)))
        await self._filled()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _filled(self) -> None:
        """Until everybody has as much as he can hold, and what was put there is in the search indexes."""
        async with asyncio.timeout(FILLED_S):
            while len(await self._held()) < OPERATORS * ROOM or await self._server.database.read(  # noqa: ASYNC110
                lambda tx: search.is_behind(tx) or card_search.is_behind(tx)
            ):
                await asyncio.sleep(0.2)
        while not self._heard.empty():
            self._heard.get_nowait()

    async def _held(self) -> list[tuple[int, int]]:
        return await self._server.database.read(
            lambda tx: [
                (row["id"], row["assignee_id"])
                for row in tx.all(
                    "SELECT id, assignee_id FROM conversation WHERE state = 'open' AND assignee_id > 1"
                )
            ]
        )

    async def assigned(self) -> list[float]:
        """Seconds from each closing to the next conversation of who closed."""
        command = CloseCommand(topic="a", result="b")
        waits = []
        for key, operator_id in (await self._held())[:ANSWERS]:
            me = OperatorInfo(id=operator_id, login="", name="", role="operator")
            await self._server.database.write(
                lambda tx, key=key, me=me: casework.close(tx, key, me, command)  # type: ignore[misc]
            )
            closed = await self._event(lambda event, key=key: event.conversation_id == key)  # type: ignore[misc]
            given = await self._event(
                lambda event, who=operator_id: event.data.get("to") == who  # type: ignore[misc]
            )
            waits.append(given - closed)
        return waits

    async def _event(self, wanted: Callable[[Event], bool]) -> float:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                at, event = await self._heard.get()
                if wanted(event):
                    return at

    async def listed(self) -> list[float]:
        """Pages of the queue, from its top on; at its end again from the top."""
        waits: list[float] = []
        after = ""
        for _ in range(PAGES):
            began = time.perf_counter()
            url = f"http://omni/v1/conversations?view=queue&limit=50{after}"
            async with self._session.get(url) as answer:
                body = await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status} {body[:200]!r}")
            waits.append(time.perf_counter() - began)
            following = msgspec.json.decode(body, type=ConversationPage).next
            after = f"&after={following}" if following else ""
        return waits


def _fill(folder: Path, size: int) -> None:
    """Operators who are there, and a queue that is longer by what they take at first."""
    path = offline.create(folder / "data")
    offline.add_operator(folder / "data", "bench", "Bench", "admin", os.getuid())
    now = time.time_ns() // 1_000_000
    count = size + OPERATORS * ROOM
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO operator (id, login, name, role, created_at) VALUES (?, ?, ?, 'operator', ?)",
            [(number + 2, f"op{number}", f"Operator {number}", now) for number in range(OPERATORS)],
        )
        connection.executemany(
            "INSERT INTO presence (operator_id, state, since, seq) VALUES (?, 'available', ?, 1)",
            [(number + 2, now) for number in range(OPERATORS)],
        )
        connection.executemany(
            "INSERT INTO customer (id, name, created_at) VALUES (?, ?, ?)",
            [(number, f"Customer {number}", now) for number in range(1, count + 1)],
        )
        connection.executemany(
            "INSERT INTO conversation (id, customer_id, state, channel_id, channels, seq, sort_at,"
            " waiting_since, customer_seq, last_at, preview, opened_at, priority)"
            " VALUES (:id, :id, 'open', 'hook', 'hook', :id, :at, :at, :id, :at, 'Where is my parcel?', :at,"
            " :priority)",
            [
                {"id": number, "at": now - number * 1000, "priority": 0 if number % 50 == 0 else 2}
                for number in range(1, count + 1)
            ],
        )
        connection.executemany(
            "INSERT INTO message (id, conversation_id, customer_id, kind, channel_id, thread, text, status,"
            " at, received_at, seq, search_id) VALUES (:id, :id, :id, 'in', 'hook', :id, 'My parcel?',"
            " 'received', :at, :at, :id, :at * 1048576 + :id)",
            [{"id": number, "at": now - number * 1000} for number in range(1, count + 1)],
        )
        connection.execute("COMMIT")
