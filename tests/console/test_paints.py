"""How much of the screen is painted for a key: over ssh that decides how soon it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Region
from textual.widget import Widget

from omni_console.widgets.pane_lines import PaneHeader
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer

ANNA = 3


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The widgets that were asked to paint all of themselves, or to be laid out anew, in that order."""
    asked: list[str] = []
    refresh = Widget.refresh

    def noted(self: Widget, *regions: Region, **how: Any) -> Widget:
        # A head is as high as what is to be said of its conversation, so it may need another layout.
        if (not regions or how.get("layout")) and not isinstance(self, PaneHeader):
            asked.append(f"{type(self).__name__} {how}")
        return refresh(self, *regions, **how)

    monkeypatch.setattr(Widget, "refresh", noted)
    return asked


async def opened(hands: Hands, *keys: str) -> None:
    """Another conversation, and the server's answer about it."""
    await hands.press(*keys)
    await hands.until(lambda: hands.screen.pane is not None and hands.screen.pane.ways != [], "its ways")
    await hands.screen.settled()


async def test_another_conversation_is_painted_line_by_line(
    world: FakeServer, tmp_path: Path, whole: list[str]
) -> None:
    async with console(world, tmp_path, size=(160, 50)) as hands:  # with the card
        await hands.sees("Anna Schmidt")
        await opened(hands, "enter")
        await opened(hands, "J")
        whole.clear()
        for key in "KJK":
            await opened(hands, key)
        assert whole == [], "nobody's size or place is another"


async def test_a_conversation_less_in_a_short_list_is_no_other_layout(
    world: FakeServer, tmp_path: Path, whole: list[str]
) -> None:
    async with console(world, tmp_path, size=(160, 50)) as hands:
        await hands.sees("Anna Schmidt")
        await opened(hands, "enter")
        rows = hands.screen.list.row_count()
        whole.clear()
        world.change(ANNA, state="closed")
        await world.push("conversation.state", conversation_id=ANNA)
        await hands.until(lambda: hands.screen.list.row_count() < rows, "it is gone")
        await hands.screen.settled()
        assert whole == []
