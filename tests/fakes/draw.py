"""`python -m tests.fakes.draw FOLDER`: the pictures of the documentation, drawn by the console itself."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from omni_console import i18n
from omni_console.client import ServerClient
from omni_console.pictures import picture
from omni_console.timing import Clock
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_books import NOW
from tests.fakes.operator_people import acquainted
from tests.fakes.operator_world import shop

WRITING = "text:Снимаю блокировку, это займёт минуту."
PICTURES: dict[str, tuple[tuple[int, int], str, tuple[str, ...]]] = {
    "card-80x24": ((80, 24), "ru", ("enter", "i")),
    "card-120x40": ((120, 40), "en", ("enter", "i", "j", "j", "j")),
    "card-200x60": ((200, 60), "en", ("enter", "i", "j", "j", "j")),
    "identity": ((120, 40), "en", ("I", "right")),
    "river": ((120, 40), "en", ("enter", "space", "k", "k", "space")),
    "desk-80x24": ((80, 24), "ru", ("j", "enter", "r", WRITING)),
    "desk-120x40": ((120, 40), "en", ("j", "enter", "r", WRITING)),
    "desk-200x60": ((200, 60), "en", ("enter", "vertical_line", "2")),
    "search": ((120, 40), "en", ("slash", "text:заказ", "enter")),
}


ACQUAINTED = ("card", "identity", "river")  # drawn when people are known


async def draw(folder: Path) -> None:
    for name, (size, language, keys) in PICTURES.items():
        i18n.use(language)
        with tempfile.TemporaryDirectory() as place:
            socket = Path(place) / "s.sock"
            world = acquainted(shop()) if name.startswith(ACQUAINTED) else shop()
            async with serving(world, socket):
                clock = Clock(lambda: NOW)
                svg = await picture(ServerClient(str(socket)), size=size, keys=keys, clock=clock)
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1])))
