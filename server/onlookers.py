"""Who is looking and who is typing, conversation by conversation: in memory only, gone with its console.

Pure but for what it remembers: times (UTC ms) come from the caller. What one console says is a claim that
runs out; a conversation is told of at most once in COALESCE_MS, and then as it is by that time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from server.protocol import Company, Onlooker, Writing

LOOKS_MS = 15_000
TYPES_MS = 8_000  # also for customers: messengers renew it every five seconds or so
COALESCE_MS = 400


class _Said(msgspec.Struct):
    operator_id: int
    open: frozenset[int]
    typing: int | None
    kind: Writing
    at: int


class _Told(msgspec.Struct):
    company: Company
    at: int


def _fresh(at: int, now: int, term: int) -> bool:
    """A clock that was set back makes a claim old, not eternal."""
    return 0 <= now - at < term


class Onlookers:
    def __init__(self) -> None:
        self._said: dict[Hashable, _Said] = {}  # by console
        self._customers: dict[int, int] = {}  # conversation -> when its customer typed
        self._told: dict[int, _Told] = {}

    def say(
        self,
        console: Hashable,
        operator_id: int,
        open_: Sequence[int],
        now: int,
        typing: int | None = None,
        kind: Writing = "reply",
    ) -> None:
        """What is on a console's screen now, in place of what it said before."""
        shown = frozenset(open_) if typing is None else frozenset((*open_, typing))
        self._said[console] = _Said(operator_id, shown, typing, kind, now)

    def gone(self, console: Hashable) -> None:
        self._said.pop(console, None)

    def customer_types(self, conversation_id: int, now: int) -> None:
        self._customers[conversation_id] = now

    def customer_wrote(self, conversation_id: int) -> None:
        self._customers.pop(conversation_id, None)

    def news(self, now: int) -> list[Company]:
        """What has changed since it was told, where it is time to tell it; it counts as told."""
        self._said = {key: said for key, said in self._said.items() if _fresh(said.at, now, LOOKS_MS)}
        self._customers = {key: at for key, at in self._customers.items() if _fresh(at, now, TYPES_MS)}
        found = self._companies(now)
        told = []
        for key in sorted(self._told.keys() | found.keys()):
            company = found.get(key, Company(conversation_id=key))
            known = self._told.get(key)
            if known is not None and _fresh(known.at, now, COALESCE_MS):
                continue
            if known is not None and known.company == company:
                if key not in found:
                    del self._told[key]
                continue
            self._told[key] = _Told(company, now)
            told.append(company)
        return told

    def told(self) -> list[Company]:
        """What those who listen know, for one who begins to."""
        return [
            one.company for one in self._told.values() if one.company.people or one.company.customer_types
        ]

    def _companies(self, now: int) -> dict[int, Company]:
        people: dict[int, dict[int, Writing]] = {key: {} for key in self._customers}
        for said in self._said.values():
            for key in said.open:
                here = people.setdefault(key, {})
                types = key == said.typing and _fresh(said.at, now, TYPES_MS)
                here[said.operator_id] = said.kind if types else here.get(said.operator_id, "")
        return {
            key: Company(
                conversation_id=key,
                people=[
                    Onlooker(operator_id=operator_id, writing=writing)
                    for operator_id, writing in sorted(here.items())
                ],
                customer_types=key in self._customers,
            )
            for key, here in people.items()
        }
