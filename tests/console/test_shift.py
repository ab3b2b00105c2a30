"""A whole shift with real processes: a server, its customers, and a console in tmux that knows only keys."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from omni_console.client import ServerClient
from omni_console.demo.customers import Customer
from server.protocol import Conversation, Message
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until
from tests.fakes.tmux import PATIENCE_S, Tmux, TmuxScreen

COLUMNS, ROWS = 220, 50
ROOT = Path(__file__).parents[2]
WRITING, READING = r"ctrl\+j send", r"r reply"  # the bottom line of the two modes
OFFLINE = r"offline — drafts are kept"
# As long as a letter can be taken back: much longer than one needs for it on a slow machine.
HOLD = {"hold_letters_seconds = 0": "hold_letters_seconds = 25"}


class Operator:
    """Who sits before the screen: presses keys, and goes on when the screen shows what they did."""

    def __init__(self, screen: TmuxScreen) -> None:
        self.screen = screen

    async def opens(self, name: str) -> None:
        """The conversation of this person in the pane that has the focus."""
        self.screen.press("C-o")
        await self.screen.sees("Go to")
        self.screen.type(name)
        await self.screen.sees(rf"▌.* {name} ")
        self.screen.press("Enter")
        await self.screen.sees_no("enter goes there")
        await self.screen.sees(f"Olga → {name}", READING)

    async def splits(self, panes: int) -> None:
        """One more pane at the right, which makes so many; each has its cross."""
        self.screen.press("|")
        await self.screen.sees(f"(×.*){{{panes}}}")

    async def goes(self, key: str) -> None:
        """From a composer or a history to the pane at its side, where keys act and are no text."""
        self.screen.press(key)
        await self.screen.sees(READING)

    async def writes(self, words: str) -> None:
        """Into the composer of the pane that has the focus; what stands there stays."""
        self.screen.press("r")
        await self.screen.sees(WRITING)
        self.screen.type(words)
        await self.screen.sees(re.escape(words))

    async def sends(self) -> None:
        self.screen.press("C-j")
        await self.screen.sees(READING)

    async def reaches(self, customer: Customer, *texts: str) -> None:
        """What was sent to him until now comes to his own end, in this order and nothing else."""

        async def so() -> bool:
            return len(customer.heard) >= len(texts)

        try:
            await until(so, f"{customer.name} hears {texts}", PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}: he heard {customer.heard}\n{self.screen.text()}") from None
        assert customer.heard == list(texts)

    async def hands_over(self, name: str, colleague: str, note: str) -> None:
        """The conversation of the pane that has the focus, which is this person's."""
        self.screen.press("A")
        await self.screen.sees(rf"Who takes over {name}\?", rf"\d {colleague}")
        digit = re.search(rf"(\d) {colleague}", self.screen.text())
        assert digit is not None
        self.screen.press(digit[1])
        await self.screen.sees(rf"What must {colleague} know of {name}\?")
        self.screen.type(note)
        await self.screen.sees(note)
        self.screen.press("Enter")
        await self.screen.sees(f"{name} goes to {colleague}")

    async def closes(self, topic: str, result: str) -> None:
        self.screen.press("e")
        await self.screen.sees("close this case", "result")
        self.screen.type(topic)
        await self.screen.sees(topic)
        self.screen.press("Enter")
        self.screen.type(result)
        await self.screen.sees(result)
        self.screen.press("Enter")
        await self.screen.sees(f"closed: {topic}")


@pytest_asyncio.fixture
async def folder() -> AsyncIterator[Path]:
    """Short: a Unix socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="omni-") as name:
        yield Path(name)


@pytest_asyncio.fixture
async def world(folder: Path) -> AsyncIterator[HarshWorld]:
    async with HarshWorld(folder, HOLD, colleagues=True) as found:
        yield found


@pytest_asyncio.fixture
async def operator(world: HarshWorld) -> AsyncIterator[Operator]:
    environment = {"HOME": str(world.folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    environment |= {"LANG": "C.UTF-8", "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": ""}
    program = [sys.executable, "-m", "omni_console", "--config", str(world.config), "console", "--lang", "en"]
    tmux = Tmux(world.folder)
    screen = TmuxScreen(tmux)
    screen.start(program, COLUMNS, ROWS, environment)
    yield Operator(screen)
    tmux.end()


async def test_a_shift_by_keys_alone(world: HarshWorld, operator: Operator) -> None:
    screen = operator.screen
    anna = world.visitor("Anna Arndt", "anna@arndt.example")
    mark = world.mailer("Mark Moor", "mark@moor.example")
    wanda = world.market.customer("Wanda Wolf", "wanda")
    carl = world.visitor("Carl Cole")
    await anna.say("Anna asks: where is it?")
    await mark.say("Mark asks: is it paid?", subject="Invoice")
    await wanda.say("Wanda asks: is it blue?")
    await carl.say("Carl asks: do wheels fit?")
    await screen.sees("Anna asks", "Mark asks", "Wanda asks", "Carl asks", "queue 4")

    # Three panes. Three drafts stand side by side before the first of them is sent.
    await operator.opens("Anna Arndt")
    await operator.splits(2)
    await operator.opens("Mark Moor")
    await operator.splits(3)
    await operator.opens("Wanda Wolf")
    await operator.writes("Wanda, it is blue")
    await operator.goes("M-Left")
    await operator.writes("Mark, it is piad")
    await operator.goes("M-Left")
    await operator.writes("Anna, it is near")
    await screen.sees("Anna, it is near.*Mark, it is piad.*Wanda, it is blue")
    await operator.sends()
    await operator.reaches(anna, "Anna, it is near")

    # The letter is held: it comes back into its own composer, is mended and leaves again.
    await operator.goes("M-Right")
    await operator.writes("")
    await operator.sends()
    await screen.sees("Mark, it is piad ↑ leaves in")
    screen.press("M-u")
    await screen.sees(WRITING)
    screen.press(*["BSpace"] * 3)
    screen.type("aid")
    await screen.sees("█ Mark, it is paid")
    await operator.sends()
    await operator.goes("M-Right")
    await operator.writes("")
    await operator.sends()
    await operator.reaches(wanda, "Wanda, it is blue")

    # One goes to a colleague, and the note with it.
    await operator.opens("Carl Cole")
    await operator.hands_over("Carl Cole", "Boris", "Carl wants wheels")
    await operator.opens("Wanda Wolf")

    # She leaves the chat and writes from the address that the site has vouched for.
    await anna.leave()
    letters = world.mailer("Anna Arndt", "anna@arndt.example")
    await letters.say("Anna is back by mail", subject="Where is it")
    await screen.sees("Anna is back by mail")
    await operator.reaches(mark, "Mark, it is paid")

    # The server is killed while she is answered, and a customer writes into the gap.
    await operator.goes("M-Left")
    await operator.goes("M-Left")
    await operator.writes("Anna, it left")
    await world.kill_server()
    await screen.sees(OFFLINE, "Anna, it left")
    screen.type(" on Monday")
    await screen.sees("Anna, it left on Monday")
    thanks = asyncio.create_task(wanda.say("Wanda says thanks"))
    await world.start_server()
    await screen.sees_no(OFFLINE)
    await thanks
    await screen.sees("█ Anna, it left on Monday", "Olga → Anna Arndt  by @", "Wanda says thanks", WRITING)
    await operator.sends()
    await operator.reaches(letters, "Anna, it left on Monday")

    await operator.goes("M-Right")
    await operator.goes("M-Right")
    await operator.closes("colour", "told that it is blue")
    screen.press("C-q")
    assert await screen.ends() == 0

    async with ServerClient(str(world.socket)) as client:
        rows = await everybody(client)
        said = {name: await exchanged(client, row) for name, row in rows.items()}
        assert await client.outbox() == []
    states = {name: (row.state, row.assignee, row.topic, row.result) for name, row in rows.items()}
    assert states == {
        "Anna Arndt": ("waiting", "Olga", "", ""),
        "Mark Moor": ("waiting", "Olga", "", ""),
        "Wanda Wolf": ("closed", "Olga", "colour", "told that it is blue"),
        "Carl Cole": ("open", "Boris", "", ""),
    }
    assert said == {
        "Anna Arndt": [
            ("in", "site", "Anna asks: where is it?"),
            ("out", "site", "Anna, it is near"),
            ("in", "mail", "Anna is back by mail"),
            ("out", "mail", "Anna, it left on Monday"),
        ],
        "Mark Moor": [("in", "mail", "Mark asks: is it paid?"), ("out", "mail", "Mark, it is paid")],
        "Wanda Wolf": [
            ("in", "market", "Wanda asks: is it blue?"),
            ("out", "market", "Wanda, it is blue"),
            ("in", "market", "Wanda says thanks"),
        ],
        "Carl Cole": [("in", "site", "Carl asks: do wheels fit?"), ("note", "", "Carl wants wheels")],
    }

    # Whoever would deliver a second time has stopped: the customers' own books are final.
    await world.stop_server()
    assert anna.heard == ["Anna, it is near"]
    assert letters.heard == ["Anna, it left on Monday"]
    assert mark.heard == ["Mark, it is paid"]
    assert wanda.heard == ["Wanda, it is blue"]
    assert carl.heard == []
    assert world.post_office.undeliverable == []


async def everybody(client: ServerClient) -> dict[str, Conversation]:
    """The one conversation that each person has."""
    pages = [await client.conversations(view) for view in ("all", "closed")]
    rows = [row for page in pages for row in page.items]
    found = {row.customer: row for row in rows}
    assert len(found) == len({row.id for row in rows}), [(row.id, row.customer) for row in rows]
    return found


async def exchanged(client: ServerClient, row: Conversation) -> list[tuple[str, str, str]]:
    """What was said in it: kind, channel, words."""
    history = await client.history(row.customer_id, None)
    assert all(message.conversation_id == row.id for message in history.messages)
    assert all(settled(message) for message in history.messages), history.messages
    told = [message for message in history.messages if message.kind != "system"]
    return [(message.kind, message.channel_id, message.text.strip()) for message in told]


def settled(message: Message) -> bool:
    return message.kind != "out" or message.status in ("sent", "delivered", "read")
