"""The console as its operator meets it: from the key to the screen, through a pseudo-terminal.

A real server with 100,000 conversations, the console as a process of its own, and this program as its
terminal. Beside it in the same run, key by key in turns: the same console at 1,000 conversations, and the
floor, a Textual program that has a list and an editor and nothing behind them. Goals: start <= 2 floors and
<= 1.5 s; key to paint p95 <= 1.5 floors and <= 60 ms; another conversation <= 100 ms; memory <= 100 MB; a key
at 100,000 <= 1.2 keys at 1,000; a typed character < 2 kB to the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.desk_world import NEWEST, DeskSize, DeskWorld, make
from benchmarks.harness import percentile, rss_mb, running, send_all, signed_request
from benchmarks.population import person
from benchmarks.terminal import Grid, Terminal

COLUMNS, ROWS = 160, 50
STORM_PER_S = 50
GREEK = "αβγδεζηθικλμνξπρστυφχψω"  # letters that no customer here writes
BREATH_S = 0.04  # between two keys while others write all the time
TO_CLOSED, TO_MINE = "]" * 4, "[" * 4  # by queue, waiting and all

Say = Callable[[str], None]
Waits = list[float]  # seconds


class Plan(msgspec.Struct, frozen=True):
    large: DeskSize = DeskSize("large", conversations=100_000, built=4_000, long=12, history=10_000)
    small: DeskSize = DeskSize("small", conversations=1_000, built=1_000, long=12, history=10_000)
    starts: int = 7
    blocks: int = 4  # of keys, in turns with the others
    keys: int = 25  # a block
    pages: int = 10  # of the list that are loaded before its keys are timed
    rounds: int = 2  # through all own conversations, there and back
    storm_s: float = 6.0


def measure(folder: Path, say: Say, plan: Plan = Plan()) -> dict[str, float]:  # noqa: B008 - frozen
    began = time.perf_counter()
    large, small = make(folder / "large", plan.large, say), make(folder / "small", plan.small, say)
    say(f"built in {time.perf_counter() - began:.0f} s")
    with contextlib.ExitStack() as stack:
        (_, url), _ = [stack.enter_context(_serving(world)) for world in (large, small)]
        figures = _starts(large, plan)
        desk, little = stack.enter_context(_console(large)), stack.enter_context(_console(small))
        floor = stack.enter_context(_floor(large))
        for terminal in (desk, little, floor):
            terminal.sees("Sender ")
            terminal.settle(0.3)
        moves = _moves([desk, little, floor], plan)
        for key in TO_MINE:
            desk.press(key)
        desk.sees(large.own[0].name)
        desk.settle(0.3)
        opened, switched = _conversations(desk, len(large.own), plan)
        _split(desk)
        typed, floor_typed, printed = _typing(desk, floor, plan)
        stormy = _storm(desk, url, large, plan)
        keys, floor_keys = moves[0] + typed, moves[2] + floor_typed
        figures |= {
            "rss_mb": round(rss_mb(desk.pid), 1),
            "key_p50_ms": _ms(keys, 0.5),
            "key_p95_ms": _ms(keys, 0.95),
            "floor_key_p95_ms": _ms(floor_keys, 0.95),
            "key_ratio": round(percentile(keys, 0.95) / percentile(floor_keys, 0.95), 2),
            "switch_p95_ms": _ms(switched, 0.95),
            "open_long_ms": _ms(opened, 0.5),
            "storm_key_p95_ms": _ms(stormy, 0.95),
            "bytes_per_key": round(statistics.mean(printed)),
            "growth": round(statistics.median(moves[0]) / statistics.median(moves[1]), 2),
        }
    for name, waits in {
        "a key in the list": moves[0],
        "… at 1,000 conversations": moves[1],
        "… of the floor": moves[2],
        "a typed character": typed,
        "… of the floor ": floor_typed,
        "another conversation": switched,
        "a long history, first time": opened,
        "a typed character in the storm": stormy,
    }.items():
        say(f"{name:32} p50 {_ms(waits, 0.5):7} ms   p95 {_ms(waits, 0.95):7} ms   of {len(waits)}")
    return figures


def _ms(waits: Waits, share: float) -> float:
    return round(percentile(waits, share) * 1000, 1)


def _serving(world: DeskWorld) -> contextlib.AbstractContextManager[tuple[subprocess.Popen[bytes], str]]:
    return running(["-m", "omni_console", "--config", str(world.config), "serve"])


def _console(world: DeskWorld) -> Terminal:
    arguments = [
        sys.executable,
        "-m",
        "omni_console",
        "--socket",
        str(world.socket),
        "console",
        "--lang",
        "en",
    ]
    return Terminal(arguments, COLUMNS, ROWS, _environment(world))


def _floor(world: DeskWorld) -> Terminal:
    arguments = [sys.executable, "-m", "benchmarks.bare_console"]
    return Terminal(arguments, COLUMNS, ROWS, _environment(world))


def _environment(world: DeskWorld) -> dict[str, str]:
    """Nobody's own keys and layouts; modules compiled once, as an installation has them."""
    home = str(world.config.parent)
    return {"XDG_CONFIG_HOME": home, "PYTHONPYCACHEPREFIX": f"{home}/compiled"}


def _starts(world: DeskWorld, plan: Plan) -> dict[str, float]:
    """From the start of the process to a list in which a key moves the cursor."""
    took: tuple[Waits, Waits] = ([], [])
    makers: tuple[Callable[[DeskWorld], Terminal], ...] = (_console, _floor)
    for number in range(plan.starts + 1):  # the first one compiles, and is not counted
        for waits, start in zip(took, makers, strict=True):
            with start(world) as terminal:
                terminal.sees("Sender ")
                terminal.press("j")
                at = terminal.until(_cursor_moved(terminal.grid), "after j")
                if number:
                    waits.append(at - terminal.began)
    own, floor = statistics.median(took[0]), statistics.median(took[1])
    return {
        "start_s": round(own, 3),
        "floor_start_s": round(floor, 3),
        "start_ratio": round(own / floor, 2),
    }


def _cursor(grid: Grid) -> list[str]:
    """The rows of the list that the cursor is on, with where they are."""
    rows = [(y, grid.row(y)[:40]) for y in range(ROWS)]
    return [f"{y} {text}" for y, text in rows if text.startswith("▌")]


def _cursor_moved(grid: Grid) -> Callable[[Grid], bool]:
    before = _cursor(grid)

    def moved(grid: Grid) -> bool:
        now = _cursor(grid)
        return len(now) == 2 and now != before

    return moved


def _moves(terminals: Sequence[Terminal], plan: Plan) -> list[Waits]:
    """Down in the list, of each terminal; the consoles first load some pages of their longest list."""
    for terminal in terminals[:-1]:
        for key in TO_CLOSED:
            terminal.press(key)
            terminal.settle(0.2)
        for _ in range(plan.pages):
            terminal.press("G")
            terminal.settle(0.1)
        terminal.press("g")
        terminal.settle(0.3)
    waits: list[Waits] = [[] for _ in terminals]
    for _ in range(plan.blocks):
        for own, terminal in zip(waits, terminals, strict=True):
            for _ in range(plan.keys):
                own.append(terminal.timed("j", _cursor_moved(terminal.grid)))
                terminal.settle()
    return waits


def _shown(grid: Grid) -> str:
    """Whose newest message is on the screen."""
    found = re.search(NEWEST + r"(Sender \d+)\.", grid.text())
    return found[1] if found else ""


def _conversations(desk: Terminal, count: int, plan: Plan) -> tuple[Waits, Waits]:
    """(the operator's conversations opened for the first time, and gone through again)."""

    def other(keys: str) -> float:
        before = _shown(desk.grid)
        took = desk.timed(keys, lambda grid: _shown(grid) not in ("", before))
        desk.settle(0.1)
        return took

    opened = [other("\r"), *(other("J") for _ in range(count - 1))]
    there_and_back = ["K"] * (count - 1) + ["J"] * (count - 1)
    return opened, [other(key) for key in there_and_back * plan.rounds]


def _split(desk: Terminal) -> None:
    """Four panes, each with another long history."""
    for panes, key in enumerate("|--", 2):
        shown = desk.grid.text().count(NEWEST)
        desk.press(key)
        desk.until(lambda grid: _panes(grid) == panes, f"{panes} panes")  # noqa: B023 - called at once
        desk.settle(0.1)
        desk.press(str(panes))  # the conversation with this number
        desk.until(lambda grid: grid.text().count(NEWEST) == shown + 1, "its history")  # noqa: B023
        desk.settle(0.1)


def _panes(grid: Grid) -> int:
    """By the line under each conversation that says whom a reply goes to, and by the words of empty ones."""
    return grid.text().count("→ Sender") + grid.text().count("opens a conversation here")


def _letter(terminal: Terminal, number: int) -> float:
    """The next letter of what is typed: a line more of it scrolls an editor, so its places tell."""
    letter = GREEK[number % len(GREEK)]

    def places(grid: Grid) -> list[int]:
        return [found.start() for found in re.finditer(letter, grid.text())]

    before = places(terminal.grid)
    return terminal.timed(letter, lambda grid: places(grid) != before)


def _typing(desk: Terminal, floor: Terminal, plan: Plan) -> tuple[Waits, Waits, list[int]]:
    """Characters typed into a reply and into the floor's editor; and the bytes printed for each of ours."""
    for terminal, key in ((desk, "r"), (floor, "\t")):
        terminal.press(key)
        terminal.settle(0.3)
    waits: tuple[Waits, Waits] = ([], [])
    printed = []
    for block in range(plan.blocks):
        for own, terminal in zip(waits, (desk, floor), strict=True):
            for number in range(plan.keys):
                before = terminal.bytes
                own.append(_letter(terminal, block * plan.keys + number))
                terminal.settle()
                if terminal is desk:
                    printed.append(terminal.bytes - before)
    return *waits, printed


def _storm(desk: Terminal, url: str, world: DeskWorld, plan: Plan) -> Waits:
    """Characters typed while customers, those in the panes among them, write many times a second."""
    people = [case.person for case in world.own] + [person(number) for number in range(20)]
    numbers = [int(name.rpartition("-")[2]) for name in people]
    blowing = multiprocessing.get_context("fork").Process(target=_blow, args=(url, numbers, plan.storm_s))
    blowing.start()
    waits: Waits = []
    while blowing.is_alive():
        waits.append(_letter(desk, len(waits)))
        desk.settle(BREATH_S) if not blowing.is_alive() else desk.read(BREATH_S)
    blowing.join()
    if blowing.exitcode:
        raise RuntimeError("the storm did not blow")
    return waits


def _blow(url: str, numbers: list[int], seconds: float) -> None:
    async def run() -> None:
        began = time.perf_counter()
        for number in range(int(STORM_PER_S * seconds)):
            await asyncio.sleep(max(0.0, began + number / STORM_PER_S - time.perf_counter()))
            request = signed_request(url, numbers[number % len(numbers)], f"gust {number} of the storm")
            await send_all(url, [request], 1)

    asyncio.run(run())
