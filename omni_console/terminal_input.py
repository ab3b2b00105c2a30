"""Keys as the terminal sends them, with escape and alt keys that answer at once.

A terminal sends the same byte for the escape key and at the beginning of every alt and function key; only
what follows tells them apart. Textual 8.2.8 waits 100 ms for it and looks every 100 ms: escape and alt+1 are
felt, and a quick escape, j becomes alt+j. Terminals, ssh and tmux send such a key's bytes together, so the
wait may be as short as here. ESCDELAY (milliseconds, as in curses) makes it longer where a line is that bad.
"""

from __future__ import annotations

import os
import selectors
import signal
from codecs import getincrementaldecoder

from textual import constants
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

ESCAPE_MS = 25
IDLE_S = 0.1  # as long as the end may have to wait for this thread
READ_BYTES = 4096


class PromptDriver(LinuxDriver):
    def run_input_thread(self) -> None:
        """Read keys until the console ends."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(patience_s(parser)):
                    data = self._read()
                    if not data:
                        return self.gone()
                    # Nothing, where a character came in halves, would be an end for the parser.
                    for event in parser.feed(text) if (text := decode(data)) else ():
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        """What was typed; nothing: the terminal is gone, which some systems call an error."""
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:
            return b""

    def gone(self) -> None:
        """End as at a hang-up: what runs behind a shell that stays is not told of one by the system.

        Colleagues would go on to see somebody who is there, and work would be given to him. The first thread
        may wait for ever to draw: only a signal gets it out.
        """
        os.kill(os.getpid(), signal.SIGHUP)


def end_with_the_terminal() -> None:
    """Whoever started us may ignore hang-ups (nohup); what draws on a terminal cannot."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def patience_s(parser: XTermParser) -> float:
    """How long nothing may come until the parser is told so."""
    return constants.ESCAPE_DELAY if parser._timeout_time is not None else IDLE_S


def prompt(usual: type[Driver]) -> type[Driver]:
    """The driver for this terminal, where it is the usual one."""
    if "ESCDELAY" not in os.environ:
        constants.ESCAPE_DELAY = ESCAPE_MS / 1000  # type: ignore[misc] # read anew for every escape
    return PromptDriver if usual is LinuxDriver else usual
