"""Every window of the console in a real terminal, with every free word of every answer hostile.

Whatever a customer, a colleague, a file, a template or a refusal of the server says is mixed anew from what
is nasty, in each answer. Nothing of it may act, crash the console, or reach the terminal as control. A class
of windows that WINDOWS does not open fails a test. OMNI_PROOF=1: until 10,000 strings were answered.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from msgspec.structs import replace
from textual.screen import Screen

import omni_console
from omni_console.widgets.finder import Finder
from server import protocol as wire
from tests.fakes.hostile_output import CANARY, NASTY, foreign
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import answer
from tests.fakes.operator_world import hostile
from tests.fakes.watched_terminal import WatchedTerminal

PROOF = bool(os.environ.get("OMNI_PROOF"))
STRINGS = 10_000 if PROOF else 500
FREE = {
    "name", "title", "text", "subject", "preview", "customer", "assignee", "author", "reason", "topic",
    "result", "error", "problem", "label", "message", "hint", "why", "detail", "summary", "next_step",
    "content_type", "site", "team", "to", "value", "note", "body", "address_label", "channel_title",
    "acted", "given_from", "suggest_why",
}  # fmt: skip

# The keys that open a window, from a conversation in a pane, and those that are pressed in it.
WINDOWS: dict[str, tuple[str, str]] = {
    "SearchScreen": ("/", CANARY[:4] + "\r"),
    "SwitcherScreen": ("\x0f", CANARY[:3]),
    "HelpScreen": ("?", "jj"),
    "OutboxScreen": ("O", "j"),
    "IdentityScreen": ("I", "j"),
    "MentionsScreen": ("@", "j"),
    "TemplatesScreen": ("\x1bc", "jj"),
    "ThingsScreen": ("F", "j"),
    "UrgencyScreen": ("B", ""),
    "PaletteScreen": ("\x10", "a"),
    "CommandScreen": (":", "as"),
    "PeopleScreen": (":find a\r", "j"),
    "ChoiceScreen": ("!", "j"),
    "FormScreen": ("d", ""),
    "LayoutsScreen": ("Z", ""),
    "LeadScreen": ("Q", "jjlj"),
    "MovesScreen": ("Q", "="),
    "FilterScreen": ("\\", "is:"),
    "ViewsScreen": ("V", ""),
    "OutreachScreen": (":write_many\r", ""),
    "PictureScreen": ("F", "v"),
    "PickerScreen": ("\x1bt", "~/"),
}
# Windows over windows: the keys of both.
BEHIND = {"MovesScreen": "LeadScreen", "PictureScreen": "ThingsScreen"}
PICTURE = wire.CustomerFile(
    id=1, name="", content_type="image/png", size=1, kind="image", message_id=1, conversation_id=1, at=0
)


def test_every_window_is_looked_at() -> None:
    for module in pkgutil.walk_packages(omni_console.__path__, "omni_console."):
        if module.name.split(".")[1] in ("screens", "widgets"):
            importlib.import_module(module.name)
    found: set[str] = set()
    seen: list[type[Screen[Any]]] = [Screen]
    while seen:
        for kind in seen.pop().__subclasses__():
            seen.append(kind)
            if kind.__module__.startswith("omni_console") and kind is not Finder:
                found.add(kind.__name__.partition("[")[0])
    assert found - {"DeskScreen", "Finder", "LineWindow", "Window"} == set(WINDOWS)


class Trouble:
    """Makes the free words of answers hostile, and counts them."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._chance = random.Random(11)
        self.count = 0

    def words(self) -> str:
        self.count += 1
        parts = self._chance.choices(NASTY, k=self._chance.randint(1, 4))
        return "".join(part.format(c=f"{CANARY}{self.count}") for part in parts)

    def spoil(self, value: object, key: str = "") -> object:
        if isinstance(value, dict):
            if "points" in value and "name" in value:
                return value  # a term of the urgency: its name is one of five words
            return {name: self.spoil(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.spoil(inner, key) for inner in value]
        return self.words() if isinstance(value, str) and key in FREE else value

    @property
    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def meet(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            if request.path == "/v1/overview/moves":
                moves = [
                    wire.ProposedMove(conversation=row, to_id=1, to="x", why="x")
                    for row in list(self._server.conversations.values())[:9]
                ]
                response: web.StreamResponse = answer(wire.Proposal(moves=moves))
            else:
                response = await handler(request)
            if not isinstance(response, web.Response) or response.content_type != "application/json":
                return response
            assert isinstance(response.body, bytes)
            spoilt: Any = self.spoil(msgspec.json.decode(response.body))
            if request.path.endswith("/files"):  # one of them may be looked at, whatever its name
                picture = {**msgspec.to_builtins(PICTURE), "name": self.words()}
                spoilt["items"].insert(0, picture)
            return web.json_response(body=msgspec.json.encode(spoilt), status=response.status)

        return meet


def nasty_files(folder: Path) -> None:
    """Names as they come with files that somebody saved."""
    for number, part in enumerate(NASTY):
        name = part.format(c=f"{CANARY}{90_000 + number}").replace("/", "").replace("\0", "")
        (folder / name.encode()[:200].decode(errors="ignore")).touch()


async def _look_into(terminal: WatchedTerminal, name: str) -> None:
    keys, inside = WINDOWS[name]
    if name in BEHIND:
        await terminal.opens(BEHIND[name], keys)
        await terminal.opens(name, inside)
    else:
        await terminal.opens(name, keys)
        await terminal.press(inside)
    for _ in range(9):
        await terminal.escape()
        if terminal.open_windows() <= 0:
            await terminal.escape()  # out of the editor, should it have the focus now
            return
    raise AssertionError(f"{name} does not close: {terminal.windows()}")


async def test_no_word_of_any_answer_acts_in_any_window(world: FakeServer, tmp_path: Path) -> None:
    hostile(world)
    trouble = Trouble(world)
    world.templates = [
        wire.FilledTemplate(code=f"t{number}", title="x", text="x", missing=[]) for number in range(9)
    ]
    nasty_files(tmp_path)  # the home of this console
    for customer_id, ways in world.ways.items():
        world.ways[customer_id] = [replace(way, files_max=9) for way in ways]
    before = {key: (row.state, row.assignee_id) for key, row in world.conversations.items()}
    messages = len(world.messages)
    terminal = WatchedTerminal()
    path = tmp_path / "s.sock"
    async with serving(world, path, trouble.middleware):
        await terminal.begin(str(path), tmp_path)
        try:
            await terminal.sees(CANARY.encode())
            first = True
            while first or trouble.count < STRINGS:
                await terminal.press("\r")
                for name in WINDOWS if first else ("SearchScreen", "OutboxScreen", "ThingsScreen"):
                    await _look_into(terminal, name)
                for key in "]J]J]J]J]J]J" + "JJJJ":
                    await terminal.press(key)
                await terminal.press("\x0c")  # everything anew
                await terminal.press("\r")
                first = False
        finally:
            code = await terminal.end()
    raw = bytes(terminal.bytes)
    assert code == 0, raw[-4000:].decode(errors="replace")
    assert foreign(raw) == []
    shown = set(re.findall(CANARY.encode() + rb"\d+", raw))
    print(f"{trouble.count} strings answered, {len(shown)} of them seen on the screen")
    assert len(shown) > STRINGS // 20, "most stand where one would have to scroll"
    assert len(world.messages) == messages, "nothing was sent"
    assert {key: (row.state, row.assignee_id) for key, row in world.conversations.items()} == before
    told = ("/seen",)
    acted = [line for line in world.asked if line.startswith(("POST", "DELETE")) and not line.endswith(told)]
    assert acted == []
