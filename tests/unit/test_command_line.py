from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_console import own_files
from omni_console.actions import ACTIONS, BY_NAME, name_of
from omni_console.command_history import KEPT, CommandHistory
from omni_console.command_line import Known, Misread, Order, complete, completed, read
from omni_console.keymap import usage
from omni_console.screens.case_facts import difference, retagged
from omni_console.timing import Clock

KNOWN = Known(
    clock=Clock(lambda: 1_700_000_000_000, UTC),
    operators={"olga": "Olga Orlova", "boris": "Boris Berg", "bob": "Борис Второй"},
    tags=["refund", "refused", "vip"],
    topics=["late delivery", "lost card"],
    templates=["code", "delivery"],
)


def order(line: str) -> tuple[str, tuple[str, ...]]:
    found = read(line, KNOWN)
    assert isinstance(found, Order), found
    return found.action.id, found.words


def wrong(line: str) -> str:
    found = read(line, KNOWN)
    assert isinstance(found, Misread), found
    return found.sentence


@pytest.mark.parametrize(
    ("line", "action", "words"),
    [
        ("assign boris", "thread.assign", ("boris",)),
        (":assign olga she knows", "thread.assign", ("olga", "she knows")),
        ("assign @orlova", "thread.assign", ("olga",)),
        ("tag refund -vip", "thread.tags", ("refund -vip",)),
        ("close topic what came of it", "thread.close", ("topic", "what came of it")),
        ('close "late delivery" moved', "thread.close", ("late delivery", "moved")),
        ("close «late delivery»", "thread.close", ("late delivery",)),
        ('close "never closed', "thread.close", ("never closed",)),
        ("snooze 2h", "thread.snooze", ("2h",)),
        ("snooze tomorrow 9:00", "thread.snooze", ("tomorrow 9:00",)),
        ("split", "pane.split_down", ()),
        ("vsplit", "pane.split_right", ()),
        ("view mine", "view.show", ("mine",)),
        ("view q", "view.show", ("queue",)),
        ("search  lost card ", "search.open", ("lost card",)),
        ('note she said "no"', "note.start", ('she said "no"',)),
        ("send", "compose.send", ()),
        ("template code", "template.insert", ("code",)),
        ("quit", "app.quit", ()),
        ("priority urg", "thread.priority", ("urgent",)),
        ("be pause", "presence.choose", ("pause",)),
        ("thread.snooze 3d", "thread.snooze", ("3d",)),
        ("сдщыу", "thread.close", ()),  # "close" on a Russian keyboard
    ],
)
def test_what_is_typed_is_an_order(line: str, action: str, words: tuple[str, ...]) -> None:
    assert order(line) == (action, words)


def test_what_is_no_order_says_why_and_what_may_be_meant() -> None:
    assert read("  : ", KNOWN) is None
    assert wrong("asign boris") == "there is no command asign (did you mean assign?)"
    assert "did you mean thread.release?" in wrong("thread.relaese")
    assert wrong("xyzzy") == "there is no command xyzzy"
    assert wrong("split off") == "split takes nothing behind it"
    assert wrong("assign bo") == "bo may be bob, boris"
    assert wrong("assign borsi") == "nobody here is called borsi (did you mean boris?)"
    assert wrong("snooze never").startswith("not a time: never")
    assert wrong("tag #").startswith("which tags?")
    assert wrong("view nowhere").startswith("nowhere is none of mine, queue")
    assert wrong("priority x").startswith("x is none of ")


@given(st.text(max_size=80))
def test_any_text_can_be_read_and_completed(text: str) -> None:
    found = read(text, KNOWN)
    assert found is None or isinstance(found, (Order, Misread))
    what = complete(text, KNOWN)
    assert 0 <= what.start <= len(text)
    assert completed(text, what).startswith(text[: what.start])


@given(
    st.sampled_from(["close", "assign olga", "tag", "note", "template"]),
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
)
def test_an_order_is_spelled_as_it_would_be_typed(name: str, word: str) -> None:
    found = read(f"{name} {word}", KNOWN)
    if isinstance(found, Order) and not any(sign in word for sign in "\"'«»"):
        assert read(found.spelled(), KNOWN) == found


def test_completing_names_and_arguments() -> None:
    def finish(line: str) -> str:
        return completed(line, complete(line, KNOWN))

    assert finish("ass") == "assign "
    assert finish("sno") == "snooze "
    assert finish(":ass") == ":assign "
    assert complete("spl", KNOWN).words == ("split", "split_off")
    assert finish("sp") == "sp", "spam and split: nothing in common yet"
    assert finish("assign o") == "assign olga "
    assert finish("assign bor") == "assign boris "
    assert complete("assign Бор", KNOWN).words == ("bob",)
    assert finish("tag re") == "tag refu"
    assert finish("tag vip -ref") == "tag vip -refu"
    assert complete("tag vip -ref", KNOWN).words == ("-refund", "-refused")
    assert finish("tag vi") == "tag vip "
    assert finish("close la") == 'close "late delivery" '
    assert complete('close "late delivery" ', KNOWN).words == ()
    assert finish("template d") == "template delivery "
    assert finish("view c") == "view closed "
    assert complete("snooze ", KNOWN).words[0] == "1h"
    assert complete("quit x", KNOWN).words == ()
    assert completed("xyz", complete("xyz", KNOWN)) == "xyz"
    assert complete("", KNOWN).words == tuple(sorted(BY_NAME))


def test_every_action_has_a_name_of_its_own() -> None:
    for name, action in BY_NAME.items():
        assert name_of(action) == name
    for action in ACTIONS:
        found = read(name_of(action), KNOWN)
        assert isinstance(found, Order), action.id
        assert found.action.id.removesuffix(".browse") == action.id.removesuffix(".browse")
    assert usage(BY_NAME["assign"]) == "assign COLLEAGUE WORDS…"


def test_tags_are_put_on_and_taken_away() -> None:
    assert retagged(["a", "b"], "c -a b") == ["b", "c"]
    assert difference(["a", "b"], ["b", "c"]) == "c -a"
    assert retagged(["a"], "#x +y -") == ["a", "x", "y"]


def test_history_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "commands"
    history = CommandHistory(path)
    for line in ("close a b", "note about her card", "tag x", "tag x"):
        found = read(line, KNOWN)
        assert isinstance(found, Order)
        history.add(line, found)
    assert history.beginning("") == ["tag x", "note about her card", "close a b"]
    assert path.stat().st_mode & 0o777 == 0o600
    again = CommandHistory(path)
    assert again.beginning("") == ["tag x", "close a b"], "words for a conversation are not written down"
    assert again.beginning("cl") == ["close a b"]


def test_history_does_not_grow_for_ever_and_needs_no_disk(tmp_path: Path) -> None:
    path = tmp_path / "commands"
    own_files.write_private(path, "".join(f"tag {n}\n" for n in range(3 * KEPT)))
    assert len(CommandHistory(path).beginning("")) == KEPT
    assert len(path.read_text(encoding="utf-8").splitlines()) == KEPT
    nowhere = CommandHistory(tmp_path / "commands" / "no folder")
    found = read("quit", KNOWN)
    assert isinstance(found, Order)
    nowhere.add("quit", found)
    assert nowhere.beginning("") == ["quit"]
