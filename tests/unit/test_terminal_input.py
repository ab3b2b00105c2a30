"""Keys come as they were pressed, whatever the terminal's bytes look like on their way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from queue import Queue

import pytest
from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from omni_console.terminal_input import ESCAPE_MS, IDLE_S, PromptDriver, patience_s, prompt

PATIENCE_S = 20.0


class Ears(PromptDriver):
    """Only the thread that reads: no terminal is set up."""

    def __init__(self, fileno: int) -> None:
        self.fileno = fileno
        self.exit_event = threading.Event()
        self.keys: Queue[str] = Queue()

    @property
    def _debug(self) -> bool:
        return False

    @_debug.setter
    def _debug(self, value: bool) -> None: ...

    def gone(self) -> None:
        self.keys.put("gone")

    def process_message(self, message: Message) -> None:
        if isinstance(message, Key):
            self.keys.put(message.key)


@pytest.fixture
def typed() -> Iterator[tuple[Callable[[bytes], int], Callable[[], str]]]:
    read, write = os.pipe()
    ears = Ears(read)
    thread = threading.Thread(target=ears.run_input_thread)
    thread.start()
    yield lambda data: os.write(write, data), lambda: ears.keys.get(timeout=PATIENCE_S)
    ears.exit_event.set()
    os.close(write)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    os.close(read)


def test_escape_alone_is_escape_and_with_a_letter_it_is_alt(
    typed: tuple[Callable[[bytes], int], Callable[[], str]],
) -> None:
    press, key = typed
    press(b"\x1b")
    assert key() == "escape"
    press(b"j")
    assert key() == "j"
    press(b"\x1bj")
    assert key() == "alt+j"


def test_a_character_in_halves_is_one(typed: tuple[Callable[[bytes], int], Callable[[], str]]) -> None:
    press, key = typed
    first, second = "я".encode()[:1], "я".encode()[1:]
    press(first)
    press(second)
    assert key() == "я"
    press(b"\xff")
    assert key() == "replacement_character"


def test_only_after_an_escape_it_looks_again_soon() -> None:
    prompt(LinuxDriver)
    parser = XTermParser(False)
    assert patience_s(parser) == IDLE_S
    assert list(parser.feed("\x1b")) == []
    assert patience_s(parser) == ESCAPE_MS / 1000
    assert list(parser.feed("j")) == []
    assert patience_s(parser) == ESCAPE_MS / 1000, "it could still be the beginning of a longer one"


def test_who_needs_it_longer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.3)
    monkeypatch.setenv("ESCDELAY", "300")
    assert prompt(LinuxDriver) is PromptDriver
    assert constants.ESCAPE_DELAY == 0.3
