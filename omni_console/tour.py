"""The first steps, one line each; each goes on when it was done. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from omni_console.i18n import N_, _


class Step(msgspec.Struct, frozen=True):
    """`text` names keys by action id in braces. `done_by`: commands that were pressed, or deeds ("did …")
    that the server has done."""

    text: str
    done_by: frozenset[str]


STEPS: tuple[Step, ...] = (
    Step(
        N_("Customers wait in this list. {row.next} and {row.prev} go down and up"),
        frozenset({"row.next", "row.prev"}),
    ),
    Step(
        N_("{thread.open} opens the conversation; {pane.close} comes back to the list"),
        frozenset({"thread.open", "attention.next", "next.take"}),
    ),
    Step(
        N_("{thread.claim} takes it: it is yours then, and colleagues see that"),
        frozenset({"did thread.claim", "next.take"}),
    ),
    Step(
        N_("{reply.start} begins a reply. Letters are text then; {compose.leave} stops, the draft stays"),
        frozenset({"reply.start"}),
    ),
    Step(N_("Write a line, and {compose.send} sends it to the customer"), frozenset({"did send"})),
    Step(
        N_("{thread.close} closes the case: what it was about, enter, what came of it, enter"),
        frozenset({"did thread.close"}),
    ),
    Step(
        N_("{help.open.browse} shows every key, {command.open} takes any action by its name"),
        frozenset({"help.open", "command.open"}),
    ),
)
_KEY = re.compile(r"\{([\w.]+)\}")


class Tour:
    def __init__(self) -> None:
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at >= len(STEPS)

    @property
    def number(self) -> str:
        return f"{self._at + 1}/{len(STEPS)}"

    def did(self, what: str) -> bool:
        """True when this was the step that is shown: the next one comes."""
        if self.over or what not in STEPS[self._at].done_by:
            return False
        self._at += 1
        return True

    def leave(self) -> None:
        self._at = len(STEPS)

    def text(self, key_for: Callable[[str], str]) -> str:
        return "" if self.over else _KEY.sub(lambda found: key_for(found[1]), _(STEPS[self._at].text))
