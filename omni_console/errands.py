"""Errands to the server: one question each, in a worker, and a message with what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from textual.message import Message
from textual.widget import Widget

from omni_console.client import RefusedError, UnreachableError
from omni_console.messages import Refused, Unanswered

T = TypeVar("T")

# Asked by the console itself: nobody waits for them.
QUIET = frozenset(
    {"codes", "counts", "seen", "inbox", "mentions", "fields", "people", "drafts", "held", "views", "hits"}
)


def send(
    home: Widget,
    what: str,
    ask: Callable[[], Awaitable[T]],
    then: Callable[[T], Message | None],
    *,
    conversation_id: int = 0,
    group: str = "errands",
) -> None:
    """Ask in a worker of `home`'s app; `home` hears `then(answer)`, `Refused` or `Unanswered`.

    `what` names the errand in those two.
    """

    async def run() -> None:
        told: Message | None
        try:
            told = then(await ask())
        except RefusedError as error:
            told = Refused(what, conversation_id, error.body)
        except UnreachableError as error:
            told = Unanswered(what, conversation_id, str(error), error.maybe_done)
        if told is not None and home.is_attached:
            home.post_message(told)

    home.run_worker(run(), name=what, group=group, exclusive=False, exit_on_error=True)
