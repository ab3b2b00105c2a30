"""What all windows over the desk have in common: they begin, end and show their keys in one way."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import omni_console
from omni_console.app import OmniConsole
from omni_console.command_history import CommandHistory
from omni_console.command_line import Known
from omni_console.own import Own
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.command_screen import CommandScreen
from omni_console.screens.filter_screen import FilterScreen
from omni_console.screens.form_screen import FormScreen, Question
from omni_console.screens.help_screen import HelpScreen
from omni_console.screens.identity_screen import IdentityScreen
from omni_console.screens.layouts_screen import LayoutsScreen
from omni_console.screens.line_window import LineWindow
from omni_console.screens.mentions_screen import MentionsScreen
from omni_console.screens.moves_screen import MovesScreen
from omni_console.screens.outbox_screen import OutboxScreen
from omni_console.screens.outreach_screen import OutreachScreen
from omni_console.screens.palette_screen import PaletteScreen
from omni_console.screens.people_screen import PeopleScreen
from omni_console.screens.picker_screen import PickerScreen
from omni_console.screens.picture_screen import PictureScreen
from omni_console.screens.search_screen import SearchScreen
from omni_console.screens.switcher_screen import SwitcherScreen
from omni_console.screens.templates_screen import TemplatesScreen
from omni_console.screens.things_screen import ThingsScreen
from omni_console.screens.urgency_screen import UrgencyScreen
from omni_console.screens.views_screen import ViewsScreen
from omni_console.screens.window import Window
from omni_console.widgets.finder import Finder
from server.protocol import File, Proposal, Urgency
from tests.fakes.console_hands import console
from tests.fakes.operator_api_server import FakeServer

Making = Callable[[OmniConsole], Window[Any]]
WINDOWS: list[Making] = [
    lambda app: ChoiceScreen("?", [Choice("a", "b")], prompt="or"),
    lambda app: CommandScreen(lambda: Known(app.clock), CommandHistory()),
    lambda app: FilterScreen(app.desk, app.clock, "is:unread", []),
    lambda app: FormScreen("?", [Question("a", "b")]),
    lambda app: HelpScreen(Own()),
    lambda app: IdentityScreen(app.client, app.clock),
    lambda app: LayoutsScreen({}),
    lambda app: MentionsScreen(app.client, app.clock),
    lambda app: MovesScreen(Proposal(), app.clock),
    lambda app: OutboxScreen(app.client, app.clock, lambda event: None),
    lambda app: OutreachScreen(app.client),
    lambda app: PaletteScreen({}),
    lambda app: PeopleScreen(app.client, app.clock, "?"),
    lambda app: PickerScreen(Path("/"), app.clock),
    lambda app: PictureScreen(
        app.client, [File(id=1, name="a", content_type="", size=1)], 0, lambda *_: None
    ),
    lambda app: SearchScreen(app.client, app.desk, app.clock),
    lambda app: SwitcherScreen(app.client, app.desk, app.clock),
    lambda app: TemplatesScreen([]),
    lambda app: ThingsScreen(app.client, app.clock, 1, "?", notes=False),
    lambda app: UrgencyScreen(Urgency(), app.clock),
    lambda app: ViewsScreen([], 1, "", "", leads=False),
]


def kinds(base: type) -> set[type]:
    found: set[type] = set(base.__subclasses__())
    return found.union(*(kinds(one) for one in found))


async def test_every_window_may_be_closed_before_it_stands(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        seen: set[type] = set()
        for make in WINDOWS:
            window = make(hands.app)
            ended: list[object] = []
            hands.app.push_screen(window, ended.append)
            window.action_leave()
            await hands.pilot.pause()
            assert (hands.app.screen, ended) == (hands.screen, [None]), type(window)
            seen.add(type(window))
        await hands.press("j")
        await hands.sees("Anna Schmidt")
        assert kinds(Window) - {Finder, LineWindow} == seen


async def test_escape_closes_every_window_and_each_says_so(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(80, 24)) as hands:
        for make in WINDOWS:
            window = make(hands.app)
            hands.app.push_screen(window)
            await hands.sees("empty: all" if isinstance(window, FilterScreen) else " esc ")
            assert window.focused is not None, type(window)
            await hands.press("escape")
            assert hands.app.screen is hands.screen, type(window)


def test_nothing_over_the_desk_begins_in_a_way_of_its_own() -> None:
    folder = Path(omni_console.__file__).parent
    for path in [*folder.glob("screens/*.py"), *folder.glob("widgets/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            bases = ast.unparse(ast.Tuple(node.bases, ast.Load()))
            if "ModalScreen" in bases:
                assert node.name == "Window", f"{path.name}: {node.name} is a Window"
            if "Window[" in bases or "Finder[" in bases:
                names = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                assert "on_mount" not in names, f"{path.name}: {node.name} begins in `opened`"


async def test_the_keys_of_the_desk_are_not_offered_under_a_window(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.sees("e close")
        await hands.press("ctrl+o")
        await hands.sees("Go to")
        await hands.sees_no("e close")
        await hands.press("escape")
        await hands.sees("e close")


async def test_what_comes_late_takes_no_letter_from_a_text(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("1", "r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        hands.screen.open_late(UrgencyScreen(Urgency(), hands.app.clock))
        await hands.press("q", "B")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "qB"
        assert hands.app.screen is hands.screen
        await hands.sees("ask again")
        await hands.press("escape")
        hands.screen.open_late(UrgencyScreen(Urgency(), hands.app.clock))
        await hands.sees("How urgent")


async def test_the_key_that_quits_acts_in_every_window(world: FakeServer, tmp_path: Path) -> None:
    for make in WINDOWS:
        async with console(world, tmp_path) as hands:
            hands.app.push_screen(make(hands.app))
            await hands.pilot.press("ctrl+q")
            await hands.until(lambda: hands.app._exit, f"{make(hands.app)}")


async def test_words_that_are_kept_nowhere_else_are_not_lost_by_one_key(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        hands.app.push_screen(OutreachScreen(hands.app.client))
        await hands.sees("Write to many")
        await hands.press("tab", "tab", "tab", *"precious")
        for key in ("escape", "ctrl+q"):
            await hands.press(key)
            await hands.sees("not sent; once more, and the text is gone")
            await hands.press("!")
        await hands.sees("precious!!")
        await hands.press("escape", "escape")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
