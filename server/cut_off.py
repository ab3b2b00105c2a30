"""Channels with which nothing is exchanged any more: after five minutes every console is told, and whoever
answers for the channel by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from channels.base import ChannelHealth

ALARM_MS = 300_000
NAMED_MAX = 3
SAID = "cut off: "
NOBODY = "nobody's"
AT_PEACE = frozenset({"connected", "stopped"})  # a channel that is switched off is missed by nobody


class Owner(msgspec.Struct, frozen=True):
    """Who answers for a channel."""

    name: str  # a login or a team's; "": nobody
    logins: frozenset[str] = frozenset()


class CutOff:
    def __init__(self, titles: Mapping[str, str], owners: Mapping[str, Owner]) -> None:
        """Both by channel."""
        self._titles = titles
        self._owners = owners
        self._lost: dict[str, int] = {}  # since when

    def note(self, channel_id: str, health: ChannelHealth, now: int) -> None:
        if health.state in AT_PEACE:
            self._lost.pop(channel_id, None)
        else:
            self._lost.setdefault(channel_id, now)

    def text(self, now: int, login: str = "") -> str:
        """What an operator is told, his own channels first; "": nothing. `login` "": whoever.

        Short: it stands on one line for as long as it lasts; what the matter is, `omni channels` says.
        """
        mine, others = [], []
        for channel_id, since in self._lost.items():
            if now - since < ALARM_MS:
                continue
            owner = self._owners.get(channel_id, Owner(""))
            title = self._titles.get(channel_id, channel_id)
            if login in owner.logins:
                mine.append(f"{title} (yours)")
            else:
                others.append(f"{title} ({owner.name or NOBODY})")
        told = mine + others
        more = f" and {len(told) - NAMED_MAX} more" if len(told) > NAMED_MAX else ""
        return f"{SAID}{', '.join(told[:NAMED_MAX])}{more}" if told else ""
