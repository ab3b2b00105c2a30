"""The channels of one server: started and stopped, how each is, and what operators see of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import structlog

from channels.base import Channel, ChannelHealth
from server.clock import Clock
from server.cut_off import CutOff
from server.host import ChannelHost
from server.protocol import ChannelInfo
from server.public.counters import Counters
from server.queue.assigning import Desks
from server.queue.deadlines import Rules
from server.settings import Config
from server.store import channels
from server.store.database import Database
from server.store.errors import StoreError

log = structlog.get_logger(__name__)

STOP_S = 2.0  # that one channel has


class RunningChannels:
    """`by_id`: the enabled ones; `health`: as each last told of itself."""

    def __init__(
        self,
        by_id: Mapping[str, Channel],
        config: Config,
        database: Database,
        clock: Clock,
        *,
        desks: Desks,
        rules: Rules,
        counters: Counters,
        cut_off: CutOff,
    ) -> None:
        self.by_id = by_id
        self.health = {channel_id: ChannelHealth(state="starting") for channel_id in by_id}
        self._config = config
        self._database = database
        self._clock = clock
        self._desks = desks
        self._rules = rules
        self._counters = counters
        self._cut_off = cut_off
        self._started: list[Channel] = []
        self._telling: set[asyncio.Task[None]] = set()
        for channel_id, health in self.health.items():
            cut_off.note(channel_id, health, clock.now())

    async def start(self, hosts: Mapping[str, ChannelHost]) -> None:
        """Raises what a channel raises; those before it run then, until `stop`."""
        for channel_id, channel in self.by_id.items():
            await channel.start(hosts[channel_id])
            self._started.append(channel)

    async def stop(self) -> None:
        """All at once: one that hangs takes no time from the others."""
        await asyncio.gather(*(_stop(channel) for channel in self._started))
        self._started.clear()

    # --- how they are ---------------------------------------------------------------------------------

    def report(self, channel_id: str, health: ChannelHealth) -> None:
        if self.health.get(channel_id) == health:
            return
        self.health[channel_id] = health
        self._cut_off.note(channel_id, health, self._clock.now())
        log.info("channel", channel=channel_id, state=health.state, detail=health.detail)
        task = asyncio.get_running_loop().create_task(self._tell(channel_id, health.state))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, channel_id: str, state_now: str) -> None:
        with contextlib.suppress(StoreError):
            await self._database.write(
                lambda tx: tx.emit("channel.state", data={"channel": channel_id, "state": state_now})
            )

    def opens_at(self, channel_id: str, now: int) -> int | None:
        """When somebody is there again; None: somebody is, or nobody said when."""
        calendar = self._rules.calendar_of(channel_id)
        opens_at = None if calendar is None else calendar.next_opening(now)
        return None if opens_at == now else opens_at

    # --- what operators see ---------------------------------------------------------------------------

    async def infos(self) -> list[ChannelInfo]:
        """All that are configured, also those that are switched off. Raises StoreUnavailableError."""
        lives = await self._database.read(channels.lives)
        return [
            self._info(channel_id, lives.get(channel_id, channels.Life()))
            for channel_id in self._config.channels
        ]

    def _info(self, channel_id: str, life: channels.Life) -> ChannelInfo:
        settings = self._config.channels[channel_id]
        channel = self.by_id.get(channel_id)
        health = self.health.get(channel_id, ChannelHealth(state="stopped", detail="not enabled"))
        now = self._clock.now()
        calendar = self._rules.calendar_of(channel_id)
        served = self._desks.teams.served.get(channel_id)
        return ChannelInfo(
            id=channel_id,
            kind=settings.kind,
            title=settings.title or (channel.spec.title if channel else settings.kind),
            mark=channel.spec.mark if channel else "",
            owner=settings.owner,
            hours=channel.settings.hours if channel else settings.hours,
            is_open=None if calendar is None else calendar.is_open(now),
            opens_at=self.opens_at(channel_id, now),
            state=health.state,
            detail=health.detail,
            last_in_at=life.last_in_at,
            last_out_at=life.last_out_at,
            refused=self._counters.get("refused", channel_id),
            begins=channel.spec.scheme if channel and channel.spec.capabilities.start_by_us else "",
            continues=channel is not None and _leads_to(channel),
            team=served.team if served is not None else "",
        )


async def _stop(channel: Channel) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await channel.stop()
    except Exception:
        log.exception("a channel did not stop cleanly", channel=channel.id)


def _leads_to(channel: Channel) -> bool:
    """Whether a link can lead there as things are: a bot may not know its name yet."""
    return channel.spec.capabilities.continue_links and channel.continue_link("trial") is not None
