"""A million messages beside ten thousand: 100,000 conversations and 50,000 people, and a hundredth of both.

Both servers run at once and are asked in turns, so that a change of the machine's mood meets both. What is
timed is the answer of the operator API over its socket, read to the last byte, one question at a time.
Goals: every read p95 <= 20 ms and <= 1.5 times its figure at 10,000; search where the floor (SQLite's own
answer from the same index, without a server) is <= 10 ms; memory <= 150 MB; intake >= 0.8 times.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec

from benchmarks.harness import (
    configure,
    make_operator,
    percentile,
    rss_mb,
    running,
    send_all,
    signed_request,
    until_idle,
)
from benchmarks.population import Facts, Size, build
from benchmarks.questions import Floor, Questions, choose
from benchmarks.vocabulary import LEMMAS
from server.protocol import ConversationPage, SearchPage, View
from server.store import offline

SIZES = (Size("10k", 10_000, 1_000, 500), Size("1m", 1_000_000, 100_000, 50_000))
FACTS = "facts.json"  # in a folder whose data set is complete

ROUNDS = 5
SENDERS = 64
INTAKE = 3_000  # messages a round
BACK = 80  # people who write them: in all rounds together not more than the smaller size has
STARTS = 3
LISTS = 60  # pages a round, at least
PEOPLE = 60
VIEWS: tuple[View, ...] = ("queue", "all", "closed", "mine", "waiting")


class World(msgspec.Struct, frozen=True):
    """One data set and where it lies."""

    size: Size
    folder: Path
    config: Path
    facts: Facts
    questions: Questions

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "omni.sock"

    @property
    def database(self) -> Path:
        return self.folder / "data" / offline.DATABASE


Figures = dict[str, float]
Say = Callable[[str], None]


def measure(folder: Path, say: Say) -> Figures:
    worlds = [_prepared(folder / size.name, size, say) for size in SIZES]
    figures: Figures = {}
    for world in worlds:
        figures[f"start_s_{world.size.name}"] = round(_start_s(world), 3)
    for name, value in _floors(worlds).items():
        figures[name] = value
    with contextlib.ExitStack() as stack:
        servers = [(world, *stack.enter_context(_serving(world))) for world in worlds]
        for _, process, _ in servers:
            until_idle(process.pid)  # a data set that nobody served yet has suggestions to be made, once
        asyncio.run(_ask(worlds, figures, say))
        _take_in([(world, url) for world, _, url in servers], figures, say)
        for world, process, _ in servers:
            figures[f"rss_mb_{world.size.name}"] = round(rss_mb(process.pid), 1)
        for world, _, _ in servers:
            figures[f"backup_s_{world.size.name}"] = round(_backup_s(world), 2)
    _tell(figures, say)
    return figures


def _prepared(folder: Path, size: Size, say: Say) -> World:
    """Build the data set, or take the one that an earlier run left whole in a kept folder; work on a copy."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    known = folder / FACTS
    if known.exists():
        facts = msgspec.json.decode(known.read_bytes(), type=Facts)
    else:
        shutil.rmtree(folder / "data", ignore_errors=True)
        (folder / "data").mkdir(mode=0o700)
        make_operator(folder)
        facts = build(folder / "data", size, say)
        known.write_bytes(msgspec.json.encode(facts))
    config = configure(work)
    shutil.copytree(folder / "data", work / "data", dirs_exist_ok=True)
    say(
        f"{size.name}: {facts.messages} messages, {facts.conversations} conversations, {facts.people} people,"
        f" built in {facts.build_s} s"
    )
    return World(size, work, config, facts, choose(work / "data" / offline.DATABASE))


def _serving(world: World) -> contextlib.AbstractContextManager[tuple[subprocess.Popen[bytes], str]]:
    return running(["-m", "omni_console", "--config", str(world.config), "serve"])


def _start_s(world: World) -> float:
    """From the start of the process to the moment when customers can write."""
    took = []
    for _ in range(STARTS):
        began = time.perf_counter()
        with _serving(world):
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def _floors(worlds: Sequence[World]) -> Figures:
    """SQLite's own answers: the newest 50 texts from the same index, no server, no word forms."""
    figures: Figures = {}
    for world in worlds:
        with contextlib.closing(Floor(world.database)) as floor:
            for kind, queries in world.questions.searches().items():
                waits = [floor.seconds(query) for _ in range(ROUNDS) for query in queries]
                figures[f"floor_{kind}_p95_ms_{world.size.name}"] = _p95(waits)
    return figures


# --- reading --------------------------------------------------------------------------------------------


async def _ask(worlds: Sequence[World], figures: Figures, say: Say) -> None:
    waits: dict[tuple[str, str], list[float]] = {}
    async with contextlib.AsyncExitStack() as stack:
        desks = [(world, await stack.enter_async_context(Desk(world))) for world in worlds]
        for number in range(ROUNDS + 1):  # the first one warms up and is not counted
            for world, desk in desks:
                for kind, times in (await desk.round(random.Random(number))).items():
                    if number:
                        waits.setdefault((kind, world.size.name), []).extend(times)
        for (kind, name), times in waits.items():
            figures[f"{kind}_p95_ms_{name}"] = _p95(times)
            figures[f"{kind}_p50_ms_{name}"] = round(percentile(times, 0.5) * 1000, 2)
        for world, desk in desks:
            recall, precision = await desk.word_forms()
            figures[f"recall_ru_{world.size.name}"] = round(recall, 3)
            figures[f"precision_ru_{world.size.name}"] = round(precision, 3)
        say("asked")


class Desk:
    """One operator who asks, and how long each answer took."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Desk:
        connector = aiohttp.UnixConnector(path=str(self._world.socket))
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> tuple[bytes, float]:
        """The answer and its seconds."""
        assert self._session is not None
        began = time.perf_counter()
        async with self._session.get(f"http://omni{path}") as response:
            body = await response.read()
            took = time.perf_counter() - began
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
        return body, took

    async def round(self, chance: random.Random) -> dict[str, list[float]]:
        waits = {
            "list": await self._lists(),
            "history": await self._people("/v1/customers/{}/history", chance),
            "card": await self._people("/v1/customers/{}", chance),
            "hello": [(await self.get("/v1/hello"))[1] for _ in range(20)],
        }
        for kind, queries in self._world.questions.searches().items():
            waits[f"search_{kind}"] = [
                (await self.get(f"/v1/search?q={quote(query)}"))[1] for query in queries
            ]
        return waits

    async def _lists(self) -> list[float]:
        """Every list from its top, then page after page; a list that ends is begun again."""
        waits: list[float] = []
        while len(waits) < LISTS:
            for view in VIEWS:
                after = ""
                for _ in range(4):
                    body, took = await self.get(f"/v1/conversations?view={view}&limit=50{after}")
                    waits.append(took)
                    following = msgspec.json.decode(body, type=ConversationPage).next
                    if following is None:
                        break
                    after = f"&after={quote(following)}"
        return waits

    async def _people(self, path: str, chance: random.Random) -> list[float]:
        """Half of them are those who wrote most."""
        questions = self._world.questions
        return [
            (await self.get(path.format(chance.choice(people))))[1]
            for _ in range(PEOPLE // 2)
            for people in (questions.faithful, questions.anybody)
        ]

    async def word_forms(self) -> tuple[float, float]:
        """(recall, precision) of searches for the dictionary form of each lemma, over all of its forms."""
        recalls = []
        precisions = []
        for lemma, expected in self._world.facts.lemmas.items():
            forms = set(LEMMAS[lemma])
            found = right = 0
            before = ""
            while True:
                body, _ = await self.get(f"/v1/search?q={quote(lemma)}&limit=200{before}")
                page = msgspec.json.decode(body, type=SearchPage)
                found += len(page.hits)
                right += sum(not forms.isdisjoint(hit.message.text.split()) for hit in page.hits)
                if page.next is None:
                    break
                before = f"&before={quote(page.next)}"
            recalls.append(right / expected)
            precisions.append(right / found if found else 0.0)
        return statistics.mean(recalls), statistics.mean(precisions)


# --- writing, copying -----------------------------------------------------------------------------------


def _take_in(servers: Sequence[tuple[World, str]], figures: Figures, say: Say) -> None:
    """Signed webhooks, acknowledged after COMMIT.

    Each round other people come back after a long time, each with a new conversation of many messages: so
    both sizes have the same to do, and what differs is how much lies around it.
    """
    rates: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        for world, url in servers:
            people = random.Random(1).sample(range(world.size.people), BACK * (ROUNDS + 1))
            back = people[number * BACK : (number + 1) * BACK]
            requests = [
                signed_request(url, back[index % BACK], f"message {index} of {number}: where is my parcel?")
                for index in range(INTAKE)
            ]
            began = time.perf_counter()
            asyncio.run(send_all(url, requests, SENDERS))
            if number:
                rates.setdefault(world.size.name, []).append(INTAKE / (time.perf_counter() - began))
            time.sleep(2)  # the search index catches up in its own time, not in the other one's
    for name, found in rates.items():
        figures[f"intake_per_s_{name}"] = round(statistics.median(found), 1)
    first, last = (rates[size.name] for size in SIZES)
    figures["intake_ratio"] = round(statistics.median(b / a for a, b in zip(first, last, strict=True)), 3)
    say("taken in")


def _backup_s(world: World) -> float:
    """`omni backup` through the running server, to the last byte of the archive."""
    target = world.folder / "backup.tar"
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "omni_console", "--socket", str(world.socket), "backup", str(target)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    took = time.perf_counter() - began
    target.unlink()
    return took


# --- figures --------------------------------------------------------------------------------------------


def _p95(seconds: list[float]) -> float:
    return round(percentile(seconds, 0.95) * 1000, 2)


def _tell(figures: Figures, say: Say) -> None:
    names = sorted({name.removesuffix("_10k").removesuffix("_1m") for name in figures})
    say(f"{'':28}{'10k':>10}{'1m':>10}{'ratio':>8}")
    for name in names:
        small, large = figures.get(f"{name}_10k"), figures.get(f"{name}_1m")
        if small is None or large is None:
            say(f"{name:28}{figures[name]:>28}")
        else:
            say(f"{name:28}{small:>10}{large:>10}{large / small if small else 0:>8.2f}")
