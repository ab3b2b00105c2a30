"""Channels with which nothing is exchanged any more: after five minutes every console is told, and whoever
answers for the channel by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from channels.base import ChannelHealth

ALARM_MS = 300_000
DETAIL_MAX = 100
AT_PEACE = frozenset({"connected", "stopped"})  # a channel that is switched off is missed by nobody


class Owner(msgspec.Struct, frozen=True):
    """Who answers for a channel."""

    name: str  # a login or a team's; "": nobody
    logins: frozenset[str] = frozenset()


class Lost(msgspec.Struct, frozen=True):
    since: int
    detail: str


class CutOff:
    def __init__(self, titles: Mapping[str, str], owners: Mapping[str, Owner]) -> None:
        """Both by channel."""
        self._titles = titles
        self._owners = owners
        self._lost: dict[str, Lost] = {}

    def note(self, channel_id: str, health: ChannelHealth, now: int) -> None:
        if health.state in AT_PEACE:
            self._lost.pop(channel_id, None)
            return
        before = self._lost.get(channel_id)
        self._lost[channel_id] = Lost(
            now if before is None else before.since, health.detail or health.state.replace("_", " ")
        )

    def text(self, now: int, login: str = "") -> str:
        """What an operator is told, his own channels first; "": nothing. `login` "": whoever."""
        mine, others = [], []
        for channel_id, lost in self._lost.items():
            if now - lost.since < ALARM_MS:
                continue
            owner = self._owners.get(channel_id, Owner(""))
            title = self._titles.get(channel_id, channel_id)
            detail = lost.detail[:DETAIL_MAX]
            if login in owner.logins:
                mine.append(f"{title}, for which you answer, is cut off: {detail}")
            else:
                others.append(f"{title} is cut off: {detail} ({owner.name or 'nobody'} answers for it)")
        return "; ".join(mine + others)
