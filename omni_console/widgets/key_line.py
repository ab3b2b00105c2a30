"""The bottom line: what can be pressed here, or for a moment what just happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from textual.content import Content

from omni_console.actions import ACTIONS, BY_ID, Where
from omni_console.i18n import _, ngettext
from omni_console.keymap import keys_of, shown
from omni_console.text import safe_line
from omni_console.widgets.foot import Hint, hint, hints_in
from omni_console.widgets.paint import Line, spread, width_of
from omni_console.widgets.saying import Saying

# What is done to a conversation.
OF_ONE = ("thread.open", "reply.start", "note.start", "thread.claim", "thread.close", "thread.snooze")


class About(msgspec.Struct, frozen=True):
    """What the keys would act on."""

    one: bool = True  # there is a conversation at all
    to_take: bool = False  # a conversation of somebody else's, or of nobody's
    note: bool = False  # what is written stays among colleagues
    ways: int = 0  # by which the customer can be answered
    recipients: bool = False  # may be chosen

    def offers(self, action: str) -> bool:
        """Would it do anything here?"""
        if not self.one and action in OF_ONE:
            return False
        if action == "thread.claim":
            return self.to_take
        if action == "compose.way":
            return self.ways > 1 and not self.note
        return action != "compose.recipients" or (self.recipients and not self.note)

    def words(self, action: str) -> str | None:
        """What it does here, where that is not what it is called."""
        if not self.note:
            return None
        return {
            "compose.send": _("keep"),
            "compose.send_next": _("keep, next"),
            "compose.kind": _("reply"),
        }.get(action)


class KeyLine(Saying):
    def __init__(self, changes: Mapping[str, str], about: Callable[[], About]) -> None:
        super().__init__(id="keys")
        self._changes = changes
        self._about = about
        self.mode: Where = "list"
        self._next: tuple[Hint, ...] = ()
        self._held = (0, 0, False)  # replies that the server holds, seconds of the newest, is it lost
        self._resting = False  # a window is open: no key of the desk does anything

    def show_held(self, count: int, seconds: int, *, lost: bool = False) -> None:
        """`lost`: the server does not answer, and nobody here knows what it does with them."""
        if (count, seconds, lost) != self._held:
            self._held = (count, seconds, lost)
            self.changed()

    def rest(self, *, resting: bool) -> None:
        if resting != self._resting:
            self._resting = resting
            self.changed()

    def show_mode(self, mode: Where) -> None:
        self.mode = mode
        self.changed()

    def say(self, text: str, *hints: Hint, bad: bool = False) -> None:
        """Show a sentence, and what can be done now; the last hint is kept, it leads out."""
        self._next = hints
        super().say(text, bad=bad)

    def _held_words(self) -> Line:
        count, seconds, lost = self._held
        if not count:
            return []
        if lost:
            words = ngettext(
                "{n} reply was held, whether it left is not known",
                "{n} replies were held, whether they left is not known",
                count,
            )
            return [(safe_line(words.format(n=count), before=" ", after=" "), "note")]
        action = BY_ID["send.undo" if self.mode == "compose" else "undo.last"]
        text = _("sending {n} (undo {key} {seconds} s)").format(
            n=count, key=shown(keys_of(action, self._changes)[0]), seconds=seconds
        )
        return [(safe_line(text, before=" ", after=" "), "note")]

    def lay_out(self, width: int) -> list[Line]:
        held = self._held_words()
        if self.said:
            said: Line = [(Content(" "), "base"), (safe_line(self.said), self.role)]
            if self._next:
                said.append((Content("   "), "base"))
                said += hints_in(self._next, width - width_of(said) - width_of(held))
            return [spread(said, held, width)]
        if self._resting:
            return [spread([(Content(" "), "base")], held, width)]
        wheres: dict[Where, tuple[Where, ...]] = {
            "list": ("list", "panes", "browse", "anywhere"),
            "browse": ("browse", "panes", "anywhere"),
            "card": ("card",),
            "compose": ("compose", "anywhere"),
            "anywhere": ("anywhere",),
        }
        mode = _("writing") if self.mode == "compose" else ""
        right: Line = [*held, (Content(f" {mode} " if mode else ""), "accent")]
        left: Line = [(Content(" "), "base")]
        hints = [action for action in ACTIONS if action.hint and action.where in wheres[self.mode]]
        about = self._about()
        for action in sorted(hints, key=lambda action: action.hint):
            if not about.offers(action.id):
                continue
            if self.mode == "compose" and action.id == "switcher.open":
                continue
            if self.mode != "compose" and action.id == "compose.way":
                continue
            key = shown(keys_of(action, self._changes)[0])
            piece = hint(key, about.words(action.id) or _(action.hint_label))
            if width_of(left) + width_of(piece) + width_of(right) > width:
                continue
            left += piece
        return [spread(left, right, width)]
