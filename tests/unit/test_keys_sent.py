"""Every default key with alt or ctrl arrives under its own name from a terminal without a keyboard protocol.
What is sent for alt+f, for one, is ctrl+right to Textual: whoever moves by words needs it."""

from __future__ import annotations

import re

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from omni_console.actions import ACTIONS
from omni_console.keymap import keys_of, repair_alt_digits

KEYS = sorted(
    key
    for key in {key for action in ACTIONS for key in keys_of(action, {})}
    if re.fullmatch(r"alt\+[a-z0-9]|ctrl\+[a-z]", key)
)


def arrived(sequence: str) -> list[str]:
    parser = XTermParser(False)
    return [event.key for event in [*parser.feed(sequence), *parser.feed("")] if isinstance(event, Key)]


@pytest.mark.parametrize("key", KEYS)
def test_it_arrives_as_what_it_is(key: str) -> None:
    repair_alt_digits()
    head, _plus, last = key.partition("+")
    assert arrived("\x1b" + last if head == "alt" else chr(ord(last) - 96)) == [key]
