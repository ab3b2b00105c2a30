from __future__ import annotations

from pathlib import Path

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from omni_console.actions import ACTIONS, BY_ID, command_of
from omni_console.keymap import (
    KeymapError,
    bindings,
    check,
    keys_of,
    keys_page,
    load,
    normal,
    repair_alt_digits,
    twin,
)

KEYS_PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_defaults_use_no_key_twice_in_one_mode() -> None:
    assert check({}) == []


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


def test_changes_are_checked_with_a_sentence_each() -> None:
    problems = check({"reply.strt": "x", "compose.send": "s", "thread.claim": "r", "thread.close": " "})
    assert len(problems) == 4
    assert "did you mean reply.start?" in problems[0]
    assert "typed into the editor" in problems[1]
    assert "thread.close has no key" in problems[2]
    assert "both reply.start and thread.claim" in problems[3]


def test_swapping_two_keys_is_no_clash() -> None:
    assert check({"thread.claim": "r", "reply.start": "a"}) == []


def test_a_file_of_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    assert load(path) == {}
    path.write_text('[keys]\n"reply.start" = "r,i"\n"thread.card" = "Z"\n', encoding="utf-8")
    assert load(path) == {"reply.start": "r,i", "thread.card": "Z"}
    path.write_text('[keys]\n"reply.start" = "a"\n', encoding="utf-8")
    with pytest.raises(KeymapError, match=r"both reply\.start and thread\.claim"):
        load(path)
    path.write_text("keys = 3", encoding="utf-8")
    with pytest.raises(KeymapError, match="must be a table"):
        load(path)
    path.write_text("not toml", encoding="utf-8")
    with pytest.raises(KeymapError):
        load(path)


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
