"""Hostile customers in a real terminal: nothing they wrote acts, crashes, or reaches the terminal as control.

The console runs in a pty in a process of its own, against the fake operator API in this one. Every byte that
it writes is split into escape sequences and text; the sequences must be of the kinds that Textual itself
sends, and none may carry what a customer wrote.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from server.protocol import File
from tests.fakes.hostile_output import CANARY, NASTY, foreign
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import HOSTILE, conversation, customer, hostile, said
from tests.fakes.terminal import Terminal


def crowd_of_trouble(world: FakeServer, count: int) -> None:
    """Seeded mixtures of everything nasty, in every field that a customer or a provider can fill."""
    chance = random.Random(7)
    for number in range(count):
        text = "".join(
            chance.choice(NASTY).format(c=f"{CANARY}{number}") for _ in range(chance.randint(1, 4))
        )
        who = customer(world, text, [("mail", text, chance.random() < 0.5)])
        for way in world.ways[who.id]:
            way.why = way.channel_title = way.label = text
        key = conversation(
            world,
            who,
            "mail",
            waits=(300 + number) * MINUTE,
            subject=text,
            topic=text,
            result=text,
            assignee=world.operators[1] if number % 3 == 0 else None,
        )
        file = File(id=1000 + number, name=text, content_type=text, size=number, kind=text, problem=text)
        said(
            world,
            key,
            ("in", 5 * MINUTE, text, {"subject": text, "files": [file], "author": text, "reason": text}),
            ("out", 4 * MINUTE, text, {"status": "unknown", "error": text}),
            ("system", 3 * MINUTE, text),
            ("in", 2 * MINUTE, text + "\n" + text, {"kind_of_event": text, "stranger": True, "mark": text}),
        )


def test_the_inspection_sees_what_it_is_for() -> None:
    assert foreign(b"\x1b[1;31mred\x1b[0m\x1b[2;1H\x1b[?25l plain \xd0\xb8") == []
    assert foreign(b"\x1b]0;CANARY\x07")
    assert foreign(b"\x1b]52;c;eA==\x07")
    assert foreign("\u202e".encode())
    assert foreign("\x9b31m".encode())
    assert foreign(b"\x1b]2;CANARY1\x07")
    assert foreign(b"bell\x07")


async def test_nothing_a_customer_wrote_acts_in_a_real_terminal(world: FakeServer, tmp_path: Path) -> None:
    hostile(world)
    crowd_of_trouble(world, 24)
    before = {key: (row.state, row.assignee_id) for key, row in world.conversations.items()}
    messages = len(world.messages)
    path = tmp_path / "s.sock"
    terminal = Terminal()
    async with serving(world, path):
        await terminal.start(str(path), 170, 50, tmp_path)
        try:
            await terminal.sees(b"queue")
            await terminal.sees(b"Olga Orlova")
            # Every view, every conversation, every window, with panes; clicks where markup would sit.
            for _view in range(5):
                await terminal.press("\r")
                for _row in range(5):
                    await terminal.press("J")
                await terminal.press("]")
            await terminal.press("\x0f")  # switcher
            await terminal.press(CANARY[:3])
            await terminal.escape()
            await terminal.press("/")
            await terminal.press(CANARY)
            await terminal.press("\r")
            await terminal.press("|")
            await terminal.press("-")
            for column in (4, 10, 60, 100, 150):
                for row in (3, 6, 12, 20, 40):
                    os.write(terminal.fd, f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m".encode())
            await terminal.press("")
            await terminal.press("O")
            await terminal.escape()
            await terminal.press("A")
            await terminal.escape()
            await terminal.press("s")
            await terminal.escape()
            await terminal.press("e")
            await terminal.escape()
            await world.customer_writes(1, HOSTILE[1])
            await terminal.press("")
        finally:
            code = await terminal.end()
    assert code == 0, bytes(terminal.bytes[-4000:]).decode(errors="replace")
    assert foreign(bytes(terminal.bytes)) == []
    assert CANARY.encode() in terminal.bytes, "the hostile words were on the screen"
    assert len(world.messages) == messages + 1, "nothing was sent"
    after = {key: (row.state, row.assignee_id) for key, row in world.conversations.items() if key != 1}
    assert after == {key: value for key, value in before.items() if key != 1}, "no action ran"
    acted = [line for line in world.asked if line.startswith("POST") and not line.endswith("/seen")]
    assert acted == []
