"""Any keys in any order, with the real server behind the console, while customers and colleagues go on.

Nothing may crash the console or make the server stumble, nothing leaves twice, escape always leads back to
the desk, and when all is quiet the console shows what the server would tell it anew. OMNI_PROOF=1: often.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import asdict, replace
from structlog.testing import capture_logs
from textual.widgets import Input, TextArea

from channels.base import Failed, Unknown
from omni_console.actions import ACTIONS, name_of
from omni_console.app import OmniConsole
from omni_console.client import RefusedError, ServerClient
from omni_console.keymap import keys_of
from omni_console.own import Own
from omni_console.timing import Clock
from server.settings import SendingSettings
from tests.fakes.console_hands import Hands
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, Visitor, running_server

PROOF = bool(os.environ.get("OMNI_PROOF"))
SEEDS = range(40 if PROOF else 3)
STEPS = 300 if PROOF else 50

# They leave the console: for another program, or for good.
ELSEWHERE = frozenset({"app.quit", "compose.editor", "message.source", "message.files"})
KEYS = tuple(key for action in ACTIONS if action.id not in ELSEWHERE for key in keys_of(action, {}))
COMMANDS = tuple(name_of(action) for action in ACTIONS if action.id not in ELSEWHERE)
WORDS = (
    "2h", "tomorrow 9:00", "refund", "refund -vip", "Anna", "ivan", "boris@example.org", "+49 30 901820",
    "123456", "1", "is:waiting", "from:anna", "[red]", "Привет", "thank you", "until friday", "urgent",
    "queue", "pause",
)  # fmt: skip
SIZES = ((80, 24), (120, 40), (200, 60), (30, 8))
WHO = (OLGA, None, RITA)  # operator, administrator, reader
PEOPLE = ("anna", "boris", "clara", "dmitri")


# What people do, more or less to its end: a word in quotes is typed, everything else is a key.
PHRASES = tuple(
    phrase.split()
    for phrase in (
        "r 'hello' ctrl+j", "r 'hello' ctrl+j u", "r 'and' 'more' alt+j", "r 'later' alt+s '2h' enter",
        "r alt+w 'hm' ctrl+j", "m 'a_note' ctrl+j", "m '@ivan' ctrl+j", "m alt+m 'no_note' ctrl+j",
        "e enter enter", "e 'refund' enter 'paid' enter", "e 'refund' enter 'paid' enter u", "E",
        "s '2h' enter", "s enter", "s '2h' enter u", "a", "a u", "x", "x u", "A enter enter",
        "A 'ivan' enter enter", "N enter", "t 'refund' enter", "t '-refund' enter u", "! enter",
        "! j enter u", "X enter", "X enter u", ": 'spam' enter u", ": 'spam_back' enter", "space j space S",
        "space j space S enter u", ": 'join' enter enter", ": 'join' enter j enter u",
        ": 'merge' enter enter enter", ": 'merge_anna' enter enter", ": 'merge_boris' enter j enter u",
        ": 'unmerge' enter enter", "I y", "I n", "I y u", "I j y escape u", "p enter", "p u",
        "C 'first' ctrl+j", "C enter 'first' ctrl+j u", "f 'boris@example.org' enter 'see' ctrl+j",
        "f enter ctrl+j", "> enter", "L enter 'called' ctrl+j", "L 'called' enter enter",
        "d 'wants_it' enter enter enter", "O j enter", "space j space j space e 'many' enter enter",
        "space T G T a", "space j T x u", "u", "u u", "u u u", ".", "i + enter 'Anna' enter",
        "i j enter enter", "i G enter", "| j enter", "- j enter", "q", "z", "] g enter", "[ g enter",
        "] ] g enter", "g enter", "G enter", "b", "w", "W", "Y", "Y u", "P j enter", "P enter",
        "/ 'line' enter j enter", "\\ 'is:waiting' enter", "\\ enter", "V j enter", "Z enter", "Q j l j a",
        "Q l x u escape", "@ enter", "F enter", "M enter", "alt+u", "r 'x' ctrl+j alt+u",
        "ctrl+o 'an' enter", "R 'all' ctrl+j", '" ctrl+j', "& enter", "& enter & enter", "alt+c enter", "v",
        "c", "c c", "{ {", "} }", "n", "comma",
    )
)  # fmt: skip


class Shop:
    """Customers on three channels, a colleague, and the time that passes."""

    def __init__(self, run: Running, colleague: ServerClient, chance: random.Random) -> None:
        self.run = run
        self.colleague = colleague
        self.chance = chance
        self.visitors: list[Visitor] = []
        self.said = 0

    def words(self) -> str:
        self.said += 1
        return f"line {self.said}, call +49 30 9018{self.said:04}"

    async def letter(self) -> None:
        who = self.chance.choice(PEOPLE)
        await self.run.letters.hear(f"{who}@example.org", self.words(), who.title())

    async def order(self) -> None:
        who = self.chance.choice(PEOPLE)
        person = {"name": who.title()}
        await self.run.hook(self.words(), sender=f"buyer-{who}", key=f"order-{who}", person=person)

    async def chat(self) -> None:
        if len(self.visitors) < len(PEOPLE):
            visitor = await self.run.visitor()
            self.visitors.append(visitor)
        visitor = self.chance.choice(self.visitors)
        await visitor.say(self.words())
        if self.chance.random() < 0.3:
            who = self.chance.choice(PEOPLE)
            await visitor.post("/contact", {"name": who.title(), "email": f"{who}@example.org"})

    async def colleague_acts(self) -> None:
        rows = (await self.colleague.conversations("all")).items
        if rows:
            row = self.chance.choice(rows)
            try:
                await self.run.answer(self.colleague, row.id, f"Ivan to {row.customer} {self.words()}")
            except (RefusedError, IndexError):
                return

    async def time_passes(self) -> None:
        self.run.clock.advance(self.chance.choice((5, 60, 3600, 86_400)) * 1000)

    async def line_breaks(self) -> None:
        self.run.context.hub.end_all("the line is cut")

    async def goes_astray(self) -> None:
        """The next letter that leaves does not arrive, or nobody knows."""
        self.run.letters.results.append(self.chance.choice((Failed("no such mailbox"), Unknown("timed out"))))

    async def goes_on(self) -> None:
        acts = (
            self.letter,
            self.order,
            self.chat,
            self.colleague_acts,
            self.time_passes,
            self.line_breaks,
            self.goes_astray,
        )
        await self.chance.choice(acts)()


async def step(hands: Hands, shop: Shop, chance: random.Random) -> str:
    """One thing happens; what, in a word, for whoever reads a failure."""
    lot = chance.random()
    if lot < 0.12:
        await shop.goes_on()
        return "(they go on)"
    if lot < 0.14:
        size = chance.choice(SIZES)
        await hands.pilot.resize_terminal(*size)
        return f"({size[0]}x{size[1]})"
    focused = hands.app.focused
    if lot < 0.35 and isinstance(focused, (TextArea, Input)):
        word = chance.choice(WORDS)
        await hands.type(word)
        return repr(word)
    if lot < 0.60:
        phrase = chance.choice(PHRASES)
        await pressed(hands, "escape")
        for word in phrase:
            if len(word) > 2 and word[0] == word[-1] == "'":
                if isinstance(hands.app.focused, (TextArea, Input)):
                    await hands.type(word[1:-1].replace("_", " "))
            else:
                await pressed(hands, word)
            if chance.random() < 0.05:
                await shop.goes_on()
        return " ".join(phrase)
    if lot < 0.65:
        line = f"{chance.choice(COMMANDS)} {chance.choice(('', *WORDS))}".strip()
        await pressed(hands, "escape", ":")
        if isinstance(hands.app.focused, Input):
            await hands.type(line)
        await pressed(hands, "enter")
        return f":{line}"
    key = "enter" if lot < 0.72 else "escape" if lot < 0.77 else chance.choice(KEYS)
    await pressed(hands, key)
    return key


async def pressed(hands: Hands, *keys: str) -> None:
    for key in keys:
        hands.arrives(key)
        await hands.pilot.pause()


@asynccontextmanager
async def console_of(run: Running, uid: int | None, folder: Path) -> AsyncIterator[Hands]:
    own = Own(layouts=folder)
    app = OmniConsole(await run.client(uid), clock=Clock(run.clock.now, UTC), own=own)
    async with app.run_test(size=(160, 50)) as pilot:
        hands = Hands(app, pilot)
        await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
        yield hands


async def back_at_the_desk(hands: Hands) -> None:
    for _ in range(30):
        if hands.app.screen is hands.app.desk_screen:
            return
        await pressed(hands, "escape")
    raise AssertionError(f"escape leads to no desk:\n{hands.text()}")


def differing(server: msgspec.Struct, console: msgspec.Struct) -> dict[str, tuple[object, object]]:
    """By field: the server's value, and the console's."""
    ours, theirs = asdict(console), asdict(server)
    return {name: (theirs[name], ours[name]) for name in theirs if theirs[name] != ours[name]}


async def the_same_as_the_server(hands: Hands, client: ServerClient) -> None:
    """What the console knows is what it would be told if it asked now."""
    desk = hands.app.desk
    for view, window in desk.windows.items():
        if window.loaded:
            rows = (await client.conversations(view)).items
            assert [row.id for row in rows] == window.ids()[: len(rows)], view
            for row in rows:
                known = desk.conversations[row.id]  # as an event told it: what was seen is kept beside it
                assert differing(row, replace(known, seen_seq=desk.seen_seq(known))) == {}, (view, row.id)
    counts = await client.counts()
    assert counts == desk.counts
    for customer_id, river in desk.rivers.items():
        if river.loaded and not river.stale:
            page = await client.history(customer_id, None)
            mine = river.messages()[-len(page.messages) :]
            assert [one.id for one in page.messages] == [one.id for one in mine]
            for theirs, ours in zip(page.messages, mine, strict=True):
                assert differing(theirs, ours) == {}, (customer_id, theirs.id)


async def agreed(hands: Hands, client: ServerClient) -> None:
    """News is told a few times a second: what differs now may be on its way."""
    for patience in range(100, -1, -1):
        try:
            return await the_same_as_the_server(hands, client)
        except AssertionError:
            if not patience:
                raise
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_keys(seed: int, tmp_path: Path) -> None:
    chance, who = random.Random(seed), WHO[seed % len(WHO)]
    done: list[str] = []
    with capture_logs() as lines:
        async with (
            running_server(sending=SendingSettings(hold_letters_seconds=5, hold_chats_seconds=2)) as run,
            console_of(run, who, tmp_path) as hands,
        ):
            ivan = await run.client(IVAN)
            shop = Shop(run, ivan, chance)
            for _ in range(8):
                await shop.goes_on()
            try:
                for _ in range(STEPS):
                    done.append(await step(hands, shop, chance))
                    assert hands.app._exception is None
                    assert hands.app.is_running
                await back_at_the_desk(hands)
                run.clock.advance(60_000)
                await run.settled()
                await agreed(hands, await run.client(who))

            except BaseException:
                print("seed", seed, "after", " ".join(done[-40:]))
                raise
            twice = [key for key, n in Counter(one.remote_id for one in run.letters.sent).items() if n > 1]
            assert twice == []
    assert [line for line in lines if line["log_level"] in ("error", "critical")] == []
