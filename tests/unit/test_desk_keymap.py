from __future__ import annotations

from pathlib import Path

from textual._xterm_parser import XTermParser
from textual.events import Key

from omni_console.actions import ACTIONS, BY_ID, command_of
from omni_console.keymap import (
    bindings,
    keys_of,
    keys_page,
    latin,
    macro_bindings,
    normal,
    repair_alt_digits,
    twin,
)
from omni_console.own_keys import OwnKeys, load, problems, read

KEYS_PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_defaults_use_no_key_twice_in_one_mode() -> None:
    assert problems({}, {}) == []


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(ACTIONS)


def test_the_twins_of_a_russian_layout_do_not_clash_either() -> None:
    for mode in (("anywhere", "browse", "panes", "list"), ("anywhere", "compose")):
        owner: dict[str, str] = {}
        for where in mode:
            for binding in bindings(where):
                assert owner.setdefault(binding.key, binding.id or "") == binding.id, binding.key


def test_docs_keys_is_current() -> None:
    text = KEYS_PAGE.read_text(encoding="utf-8")
    assert text == keys_page(), "run: python -m omni_console.keymap > docs/keys.md"


def test_changes_are_checked_with_a_sentence_each_and_the_others_are_used() -> None:
    own = read(
        {
            "keys": {
                "reply.strt": "x",
                "compose.send": "s",
                "thread.claim": "r",
                "thread.close": " ",
                "tag": "T",
                "thread.card": "H",
            }
        }
    )
    assert own.problems == (
        "there is no action reply.strt (did you mean reply.start?)",
        "s for compose.send would be typed into the editor; use ctrl, alt or an F key",
        "thread.close has no key",
        "there is no action tag (did you mean thread.tags?)",
        "in browse mode r is both reply.start and thread.claim",
    )
    assert own.changes == {"thread.card": "H"}


def test_swapping_two_keys_is_no_clash() -> None:
    assert problems({"thread.claim": "r", "reply.start": "a"}, {}) == []


def test_quit_can_be_moved() -> None:
    assert read({"keys": {"app.quit": "ctrl+x"}}).problems == ()
    assert [one.key for one in bindings("anywhere", {"app.quit": "ctrl+x"}) if one.id == "app.quit"] == [
        "ctrl+x"
    ]


def test_a_file_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    assert load(path) == OwnKeys()
    path.write_text('[keys]\n"reply.start" = "r,i"\n"thread.card" = "H"\n', encoding="utf-8")
    assert load(path).changes == {"reply.start": "r,i", "thread.card": "H"}
    path.write_text("keys = 3\nkyes = 4", encoding="utf-8")
    assert load(path).problems == (
        "there is no table [kyes] (did you mean keys?)",
        "[keys] must be a table of action = key",
    )
    path.write_text("not toml", encoding="utf-8")
    assert str(path) in load(path).problems[0]


def test_macros_are_checked_like_keys() -> None:
    own = read(
        {
            "macros": {
                "f6": ["tag hotel", "snooze 2h"],
                "ctrl+y": "tag alone",
                "r": ["tag x"],
                "f10": ["tga x"],
                "y": ["split off"],
                "f9": [],
                "*": 3,
            }
        }
    )
    assert own.macros == {"f6": ("tag hotel", "snooze 2h"), "ctrl+y": ("tag alone",)}
    assert own.problems == (
        "macro * must be a list of commands",
        "macro f10, “tga x”: there is no command tga (did you mean tag?)",
        "macro y, “split off”: split takes nothing behind it",
        "macro f9 must have 1 to 20 commands",
        "in browse mode r is both reply.start and a macro",
        "in card mode y is both card.yes and a macro",
    )
    found = {one.key: one.priority for one in macro_bindings(["H", "ctrl+y"])}
    assert found == {"H": False, "Р": False, "ctrl+y": True}


def test_the_keys_page_names_every_command() -> None:
    page = keys_page()
    assert "`assign COLLEAGUE WORDS…`" in page
    assert "`spam bar\\|mark\\|back`" in page
    assert latin("сдщыу") == "close"


def test_what_is_pressed_with_alt_or_ctrl_comes_before_the_editor() -> None:
    for binding in bindings("anywhere", {"attention.next": "alt+n"}):
        assert binding.priority, binding.key
    assert [
        one.key for one in bindings("anywhere", {"attention.next": "alt+n"}) if one.id == "attention.next"
    ] == [
        "alt+n",
        "alt+т",
    ]


def test_twins() -> None:
    assert twin("j") == "о"
    assert twin("alt+a") == "alt+ф"
    assert twin("ctrl+j") is None
    assert twin("1") is None
    assert normal("?") == "question_mark"
    assert keys_of(BY_ID["row.next"]) == ["j", "down"]
    assert command_of(BY_ID["slot.3.browse"]) == "slot.3"


def test_alt_and_a_digit_arrive_as_such() -> None:
    repair_alt_digits()
    parser = XTermParser()
    events = [*parser.feed("\x1b3"), *parser.feed("")]
    assert [event.key for event in events if isinstance(event, Key)] == ["alt+3"]
