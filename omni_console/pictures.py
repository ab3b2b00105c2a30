"""Pictures of a live console, for documents: the screen as SVG, against any server.

python -m omni_console.pictures docs/pictures/desk.svg --socket PATH --size 120x40 --keys "enter r"
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from omni_console import i18n
from omni_console.app import OmniConsole
from omni_console.client import ServerClient
from omni_console.timing import Clock

FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"
SETTLE_S = 0.4  # after each key: the answer of the server and the painting of it
START_S = 15.0


class NoPictureError(Exception):
    """The console never came online; the message says why."""


def portable(svg: str) -> str:
    """Textual's SVG without fonts from the network, and with spaces that every renderer keeps."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
    svg = re.sub(r"font-family: ?Fira Code[^;]*;", f"font-family: {FONTS};", svg)
    return svg.replace("<text ", '<text xml:space="preserve" ').replace("&#160;", " ")


async def picture(
    client: ServerClient,
    *,
    size: tuple[int, int] = (120, 40),
    keys: Sequence[str] = (),
    clock: Clock | None = None,
    title: str = "Omni Console",
    theme: str = "dark",
) -> str:
    """The screen as SVG after `keys` were pressed; "text:…" types. Raises NoPictureError."""
    app = OmniConsole(client, clock=clock, theme=theme)
    async with app.run_test(size=size) as pilot:
        screen = app.desk_screen
        try:
            async with asyncio.timeout(START_S):
                while not (screen.online and app.desk.windows["mine"].loaded):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NoPictureError(f"the console is not online: {screen.banner.why or 'no answer'}") from None
        for key in keys:
            typed = [*key.removeprefix("text:")] if key.startswith("text:") else [key]
            await pilot.press(*["space" if char == " " else char for char in typed])
            await asyncio.sleep(SETTLE_S)
            await pilot.pause()
        await asyncio.sleep(SETTLE_S)
        await pilot.pause()
        return portable(app.export_screenshot(title=title))


def main() -> None:
    parser = argparse.ArgumentParser(description="Save the screen of a console as SVG.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--keys", default="", help='keys as Textual names them, e.g. "j enter r"')
    parser.add_argument("--type", default="", help="text to type at the end")
    parser.add_argument("--language", default="en")
    arguments = parser.parse_args()
    i18n.use(arguments.language)
    width, height = (int(part) for part in arguments.size.split("x"))
    keys = arguments.keys.split()
    if arguments.type:
        keys.append(f"text:{arguments.type}")
    svg = asyncio.run(picture(ServerClient(arguments.socket), size=(width, height), keys=keys))
    arguments.out.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
