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
from tests.fakes.picture_world import busy

WRITING = "text:Снимаю блокировку, это займёт минуту."
PICTURES: dict[str, tuple[tuple[int, int], str, tuple[str, ...]]] = {
    "card-80x24": ((80, 24), "ru", ("1", "i")),
    "card-120x40": ((120, 40), "en", ("1", "i", "j", "j", "j")),
    "command": ((120, 40), "en", ("1", "colon", "text:pri", "tab")),
    "desk-80x24": ((80, 24), "ru", ("1", "r", WRITING)),
    "desk-120x40": ((120, 40), "en", ("1", "minus", "alt+up", "r", WRITING)),
    "desk-200x60": ((200, 60), "en", ("1", "vertical_line", "minus", "alt+left", "alt+left", "alt+right")),
    "filter": ((120, 40), "en", ("2", "backslash", "text:is:")),
    "identity": ((120, 40), "en", ("I", "right")),
    "lead": ((120, 40), "en", ("Q",)),
    "river": ((120, 40), "en", ("1", "space", "k", "k", "space")),
    "search": ((120, 40), "en", ("slash", "text:lamp")),
}


async def draw(folder: Path) -> None:
    for name, (size, language, keys) in PICTURES.items():
        i18n.use(language)
        with tempfile.TemporaryDirectory() as place:
            socket = Path(place) / "s.sock"
            async with serving(busy(), socket):
                clock = Clock(lambda: NOW)
                svg = await picture(ServerClient(str(socket)), size=size, keys=keys, clock=clock)
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1])))
