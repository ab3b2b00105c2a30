"""The agent server: what is started in which order, and stopped in the reverse one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from channels.base import Channel, ChannelHealth, ChannelSettings, Medium
from server import backup
from server.acknowledging import Acknowledging, Away
from server.apart import ParseApart
from server.api import socket as operator_socket
from server.api.app import create_operator_app
from server.api.context import Context
from server.api.listen import ApiDoor
from server.cases import case, casework, leaving
from server.cases.outreach import Rules as OutreachRules
from server.cases.replying import Outgoing
from server.cases.templating import Site
from server.cases.topics import Topics
from server.cases.urgent import UrgentWords
from server.cases.ways import ChannelOffer
from server.clock import Clock, SystemClock
from server.config import deadline_rules, make_channels, silence_terms
from server.cut_off import CutOff, Owner
from server.host import ChannelHost, Installation
from server.hub import Hub
from server.indexer import Indexer
from server.intake import DAY_MS, Policy
from server.lock import DataLock
from server.marks import Marks
from server.measures import Measures
from server.outbox import Outbox
from server.parsing import Parser
from server.parsing.child import ChildParser
from server.parsing.distant import DistantParser
from server.people import proving
from server.people.authors import ChannelFacts
from server.people.codes import CodeRules
from server.people.erasing import Eraser
from server.people.suggester import Suggester
from server.protocol import ChannelInfo, OperatorInfo
from server.public.app import create_public_app
from server.public.confirm import Confirming
from server.public.counters import Counters
from server.public.listen import PublicServer, protocol_log
from server.queue.assigning import Desks
from server.queue.dispatcher import Dispatcher
from server.queue.silence_keeper import Announcing, SilenceKeeper
from server.queue.team_settings import make_teams
from server.queue.timekeeper import Timekeeper
from server.rawitems import RawItems
from server.settings import Config, PublicLimits, SendingSettings
from server.store import cases, channels, codes, conversations, events, offline, scheduled, state
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.errors import StoreError
from server.store.transaction import Event
from server.version import product_version

log = structlog.get_logger(__name__)

# Together at most 10 s from SIGTERM to the end, whatever hangs: service managers and people wait no longer.
DRAIN_S = 4.5  # for replies that are being sent; they get the most, because a cut one becomes unknown
CHANNEL_S = 2.0
DOOR_S = 1.0
ERASE_EVERY_S = 60.0
HOUSEKEEPING_S = 1.0
KEEPALIVE_S = 75.0  # an idle connection of the operator API
DISK_LOOK_S = 5.0
FORGET_EVERY_S = 600.0
MIB = 1024 * 1024


def offers_of(
    channels: dict[str, Channel], known_ms: int, sending: SendingSettings
) -> dict[str, ChannelOffer]:
    """`known_ms`: for how long nobody is asked again who he is."""
    return {
        channel_id: ChannelOffer(
            id=channel_id,
            title=channel.settings.title or channel.spec.title,
            mark=channel.spec.mark,
            scheme=channel.spec.scheme,
            account="" if channel.spec.shared_scheme else channel_id,
            capabilities=channel.spec.capabilities,
            own_addresses=channel.own_addresses(),
            quote_max=channel.quotes(),
            known_ms=known_ms,
            hold_ms=hold_ms(channel.settings, channel.spec.capabilities.medium, sending),
        )
        for channel_id, channel in channels.items()
    }


def owner_of(config: Config, channel_id: str) -> Owner:
    name = config.channels[channel_id].owner
    team = config.teams.get(name)
    return Owner(name, frozenset((name,) if team is None else team.members) if name else frozenset())


def hold_ms(settings: ChannelSettings, medium: Medium, sending: SendingSettings) -> int:
    """For how long a reply by this channel waits before it leaves. Pure."""
    by_kind = sending.hold_letters_seconds if medium == "email" else sending.hold_chats_seconds
    return int((by_kind if settings.hold_seconds is None else settings.hold_seconds) * 1000)


class Server:
    """One process, one database. `run()` holds it open; everything it owns ends with it."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.channels = make_channels(config)
        self.counters = Counters(self.channels)
        self.measures = Measures(self.counters)
        self.is_ready = False  # everything has started, and nothing is being stopped
        self.health: dict[str, ChannelHealth] = {
            channel_id: ChannelHealth(state="starting") for channel_id in self.channels
        }
        self.offers = offers_of(self.channels, config.site.identity_days * DAY_MS, config.sending)
        self.desks = Desks(
            teams=make_teams(config.teams),
            media={channel_id: offer.capabilities.medium for channel_id, offer in self.offers.items()},
            decline_ms=config.queue.decline_seconds * 1000,
        )
        self.outgoing = Outgoing(
            offers=self.offers,
            name_message=self._name_message,
            check_address=lambda channel_id, address: self.channels[channel_id].check_address(address),
            continue_link=lambda channel_id, token: self.channels[channel_id].continue_link(token),
            confirm_link=self._confirm_link,
            language=config.site.language,
            zone_of=self._zone_of,
        )
        self.marks = Marks({channel_id: offer.mark for channel_id, offer in self.offers.items()})
        data_dir = config.server.data_dir
        self.blobs = BlobStore(data_dir / offline.BLOBS)
        self.database = Database(
            data_dir / offline.DATABASE,
            self.clock,
            self._committed,
            self._writing_changed,
            self.measures.committed,
        )
        self.eraser = Eraser(self.database, self.blobs, data_dir)
        self.deadline_rules = deadline_rules(config)
        self.timekeeper = Timekeeper(self.database, self.deadline_rules)
        self.silence_terms = silence_terms(config)
        self.public: PublicServer | None = None
        self.api: ApiDoor | None = None  # the operator API over TCP
        self.suggester: Suggester | None = None
        self.dispatcher: Dispatcher | None = None
        self.silences: SilenceKeeper | None = None
        self._hub: Hub | None = None
        self._disk_trouble = ""
        self._writing_trouble = ""
        self._parser_away = ""
        self.cut_off = CutOff(
            {channel_id: one.settings.title or channel_id for channel_id, one in self.channels.items()},
            {channel_id: owner_of(config, channel_id) for channel_id in self.channels},
        )
        for channel_id, health in self.health.items():
            self.cut_off.note(channel_id, health, self.clock.now())
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def hub(self) -> Hub:
        if self._hub is None:
            raise RuntimeError("the server does not run")
        return self._hub

    # --- trouble --------------------------------------------------------------------------------------

    def trouble(self) -> str:
        """Why nothing can be taken in or written now, or ""."""
        return self._writing_trouble or self._disk_trouble

    def refuse(self) -> str:
        return self._disk_trouble

    def notice(self, operator: OperatorInfo | None = None) -> str:
        """What an operator is shown: trouble, or what merely waits, and channels that are cut off."""
        cut_off = self.cut_off.text(self.clock.now(), "" if operator is None else operator.login)
        return "; ".join(filter(None, (self.trouble() or self._parser_away, cut_off)))

    def _parser_is_away(self, why: str) -> None:
        text = f"new mail is kept and waits: {why}" if why else ""
        if text != self._parser_away:
            self._parser_away = text
            self._tell_trouble()

    def _writing_changed(self, text: str) -> None:
        # That one small write went well says little on a full disk: `_keep_house` finds out when it is over.
        if text and text != self._writing_trouble:
            self._writing_trouble = text
            self._tell_trouble()

    async def _look_at_writing(self) -> None:
        """End the trouble when a message could be stored again, also while nobody writes one."""
        if self._writing_trouble:
            await self.database.write(state.try_writing)
            self._writing_trouble = ""
            self._tell_trouble()

    def _look_at_disk(self) -> None:
        free = shutil.disk_usage(self.config.server.data_dir).free
        reserve = self.config.server.disk_reserve_mb * MIB
        # Some slack before it is taken back, or it would flicker at the border.
        if free < reserve:
            text = f"only {free // MIB} MiB free on the disk: nothing new is accepted"
        elif self._disk_trouble and free < reserve * 1.1:
            text = self._disk_trouble
        else:
            text = ""
        if bool(text) != bool(self._disk_trouble):
            self._disk_trouble = text
            self._tell_trouble()

    def _tell_trouble(self) -> None:
        text = self.notice()
        if text:
            log.error("trouble", reason=text)
        else:
            log.info("trouble is over")
        if self._hub is not None and text != self._hub.trouble:
            self._hub.tell_trouble(text, self.notice)

    def _look_at_channels(self) -> None:
        if self._hub is not None and self.notice() != self._hub.trouble:
            self._tell_trouble()

    # --- events ---------------------------------------------------------------------------------------

    def _committed(self, batch: list[Event]) -> None:
        if self._hub is not None:
            self._hub.publish(batch)

    def _report(self, channel_id: str, health: ChannelHealth) -> None:
        if self.health.get(channel_id) == health:
            return
        self.health[channel_id] = health
        self.cut_off.note(channel_id, health, self.clock.now())
        log.info("channel", channel=channel_id, state=health.state, detail=health.detail)
        task = asyncio.get_running_loop().create_task(self._tell_channel(channel_id, health.state))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell_channel(self, channel_id: str, state_now: str) -> None:
        with contextlib.suppress(StoreError):
            await self.database.write(
                lambda tx: tx.emit("channel.state", data={"channel": channel_id, "state": state_now})
            )

    async def channel_infos(self) -> list[ChannelInfo]:
        lives = await self.database.read(channels.lives)
        now = self.clock.now()
        infos = []
        for channel_id, settings in self.config.channels.items():
            channel = self.channels.get(channel_id)
            health = self.health.get(channel_id, ChannelHealth(state="stopped", detail="not enabled"))
            life = lives.get(channel_id, channels.Life())
            calendar = self.deadline_rules.calendar_of(channel_id)
            opens_at = self._opens_at(channel_id, now)
            infos.append(
                ChannelInfo(
                    id=channel_id,
                    kind=settings.kind,
                    title=settings.title or (channel.spec.title if channel else settings.kind),
                    mark=channel.spec.mark if channel else "",
                    owner=settings.owner,
                    hours=channel.settings.hours if channel else settings.hours,
                    is_open=None if calendar is None else calendar.is_open(now),
                    opens_at=opens_at,
                    state=health.state,
                    detail=health.detail,
                    last_in_at=life.last_in_at,
                    last_out_at=life.last_out_at,
                    refused=self.counters.get("refused", channel_id),
                    begins=channel.spec.scheme if channel and channel.spec.capabilities.start_by_us else "",
                    continues=channel is not None and self._leads_to(channel),
                    team=self._team_of(channel_id),
                )
            )
        return infos

    def _team_of(self, channel_id: str) -> str:
        served = self.desks.teams.served.get(channel_id)
        return served.team if served is not None else ""

    def _acknowledging(self) -> Acknowledging:
        return Acknowledging(
            texts={channel_id: channel.acknowledgement() for channel_id, channel in self.channels.items()},
            several=frozenset(
                channel_id
                for channel_id, offer in self.offers.items()
                if offer.capabilities.recipients_max > 1
            ),
            away={
                channel_id: Away(calendar, said, self.config.site.language, self.config.site.name)
                for channel_id, channel in self.channels.items()
                if (said := channel.settings.out_of_hours)
                and (calendar := self.deadline_rules.calendar_of(channel_id)) is not None
            },
            name_message=self._name_message,
        )

    def _zone_of(self, channel_id: str) -> ZoneInfo | None:
        calendar = self.deadline_rules.calendar_of(channel_id)
        return None if calendar is None else calendar.zone

    def _opens_at(self, channel_id: str, now: int) -> int | None:
        calendar = self.deadline_rules.calendar_of(channel_id)
        opens_at = None if calendar is None else calendar.next_opening(now)
        return None if opens_at == now else opens_at

    def _name_message(self, channel_id: str, conversation_id: int, message_id: int) -> str | None:
        return self.channels[channel_id].name_message(conversation_id, message_id)

    # --- running ----------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[Server]:
        """Start; the server works until the block ends. Raises ConfigError, StoreError, OSError and the
        typed errors of the lock, the socket and the public address."""
        settings = self.config.server
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(DataLock(settings.data_dir))
            backup.sweep(settings.data_dir)
            await asyncio.to_thread(offline.create, settings.data_dir)
            self.blobs.prepare()
            await self.database.open()
            stack.push_async_callback(self.database.close)
            newest, key = await self.database.read(
                lambda tx: (events.newest(tx), state.setting(tx, "key") or b"")
            )
            hub = self._hub = Hub(self.database, self.marks, newest)
            self._look_at_disk()
            policy = Policy(
                reopen_ms=self.config.site.reopen_days * DAY_MS,
                language=self.config.site.language,
                is_online=hub.is_online,
                urgent=UrgentWords(self.config.urgent.words).found,
                topics=Topics(self.config.queue.topics).found,
                acknowledging=self._acknowledging(),
            )
            facts = {
                channel_id: ChannelFacts(
                    id=channel_id,
                    scheme=offer.scheme,
                    account=offer.account,
                    begins_anew=offer.capabilities.begins_anew,
                    title=offer.title,
                )
                for channel_id, offer in self.offers.items()
            }
            hosts: dict[str, ChannelHost] = {}
            apart = ParseApart(
                self.database,
                self.blobs,
                self.channels,
                hosts,
                facts,
                policy,
                self._parser(),
                self._parser_is_away,
            )
            installation = Installation(
                database=self.database,
                blobs=self.blobs,
                hub=hub,
                clock=self.clock,
                key=key,
                policy=policy,
                site_name=self.config.site.name,
                base_url=self.config.public.base_url,
                refuse=self.refuse,
                parse_soon=apart.soon,
                count=self.counters.add,
                opens_at=self._opens_at,
            )
            raw_items = RawItems(
                self.database, self.blobs, self.channels, hosts, facts, policy, apart.parse_by_hand
            )
            for channel_id in self.channels:
                hosts[channel_id] = ChannelHost(
                    installation,
                    facts[channel_id],
                    lambda health, channel_id=channel_id: self._report(channel_id, health),  # type: ignore[misc]
                )
            name = hashlib.sha256(b"name" + key).hexdigest()[:8]
            sending = Outbox(self.database, self.blobs, self.channels, self.clock, self._report, name)
            hub.on_event.append(lambda event: sending.soon() if event.kind == "message.queued" else None)

            indexer = Indexer(self.database)
            hub.on_event.append(self.measures.heard)
            suggester = self.suggester = Suggester(self.database, key)
            silences = self.silences = SilenceKeeper(
                self.database,
                self.silence_terms,
                Announcing(
                    offers=self.offers,
                    saying=policy.acknowledging,
                    site=self.config.site.name,
                    language=self.config.site.language,
                ),
                HOUSEKEEPING_S,
            )
            dispatcher = self.dispatcher = Dispatcher(
                self.database,
                self.desks,
                self.clock,
                hub.operators_online,
                self.config.queue.away_seconds * 1000,
            )
            for follower in (indexer, suggester, self.timekeeper, silences, dispatcher):
                hub.on_event.append(follower.heard)
                await follower.start()
                stack.push_async_callback(follower.stop)
            # The door first, so that channels know their address; until they run they answer 503.
            await self._open_public_door(stack, hosts)
            # Channels first listen, then send: an echo or a receipt must find somebody to take it.
            started: list[Channel] = []
            stack.push_async_callback(self._stop_channels, started)
            for channel_id, channel in self.channels.items():
                await channel.start(hosts[channel_id])
                started.append(channel)
            # Only a started channel can tell its own message ids in what was left over from a crash.
            apart.start()
            stack.push_async_callback(apart.stop)
            await sending.start()
            stack.push_async_callback(sending.stop, DRAIN_S)
            await self._open_operator_door(stack, key, hub, indexer, raw_items)
            housekeeping = asyncio.create_task(self._keep_house(), name="housekeeping")
            stack.callback(housekeeping.cancel)
            log.info(
                "serving",
                socket=str(settings.socket),
                public=self.public.url if self.public else "",
                api=self.api.url if self.api else "",
            )
            self.is_ready = True
            try:
                yield self
            finally:
                self.is_ready = False
                log.info("stopping")
        self._hub = None

    def _parser(self) -> Parser:
        path = self.config.server.parse_worker
        if path is None:
            return ChildParser(self.config.server.workers)
        return DistantParser(path, product_version())

    async def _confirm(self, token: str) -> bool:
        titles = {channel_id: offer.title for channel_id, offer in self.offers.items()}
        language = self.config.site.language
        return await self.database.write(lambda tx: proving.confirm(tx, token, language, titles))

    def _leads_to(self, channel: Channel) -> bool:
        """Whether a link can lead there as things are: a bot may not know its name yet."""
        return channel.spec.capabilities.continue_links and channel.continue_link("trial") is not None

    def _confirm_link(self, token: str) -> str:
        base = self.public.url if self.public is not None else self.config.public.base_url
        return f"{base}/confirm/{token}"

    async def _stop_channels(self, started: list[Channel]) -> None:
        """All at once: one that hangs takes no time from the others."""
        await asyncio.gather(*(self._stop_channel(channel) for channel in started))

    async def _stop_channel(self, channel: Channel) -> None:
        try:
            async with asyncio.timeout(CHANNEL_S):
                await channel.stop()
        except Exception:
            log.exception("a channel did not stop cleanly", channel=channel.id)

    async def _open_public_door(
        self, stack: contextlib.AsyncExitStack, hosts: dict[str, ChannelHost]
    ) -> None:
        settings = self.config.public
        if not settings.enabled:
            return
        app = create_public_app(
            settings,
            self.channels,
            hosts,
            self.counters,
            trouble=self.trouble,
            ready=lambda: self.is_ready,
            confirming=Confirming(
                site_name=self.config.site.name,
                language=self.config.site.language,
                confirm=self._confirm,
            ),
        )
        self.public = PublicServer(app, settings, patience=DOOR_S)
        await self.public.start()
        stack.push_async_callback(self.public.stop)
        for host in hosts.values():
            host.base_url = self.public.url

    async def _open_operator_door(
        self, stack: contextlib.AsyncExitStack, key: bytes, hub: Hub, indexer: Indexer, raw_items: RawItems
    ) -> None:
        context = Context(
            database=self.database,
            indexer=indexer,
            blobs=self.blobs,
            eraser=self.eraser,
            hub=hub,
            clock=self.clock,
            marks=self.marks,
            outgoing=self.outgoing,
            codes=CodeRules(
                key=key,
                site_name=self.config.site.name,
                language=self.config.site.language,
                link_ms=self.config.site.link_minutes * 60_000,
            ),
            channels=self.channel_infos,
            site_name=self.config.site.name,
            version=product_version(),
            trouble=self.trouble,
            notice=self.notice,
            disk_reserve=self.config.server.disk_reserve_mb * MIB,
            ready=lambda: self.is_ready and not self.trouble(),
            measures=self.measures,
            timekeeper=self.timekeeper,
            raw_items=raw_items,
            fields=self.config.fields,
            segments=self.config.segments,
            desks=self.desks,
            outreach=OutreachRules(
                colleague_ms=self.config.outreach.colleague_days * DAY_MS,
                record_ms=self.config.outreach.record_days * DAY_MS,
                record_kinds=self.config.outreach.record_kinds,
                site=self.config.site.name,
            ),
            site=Site(name=self.config.site.name, language=self.config.site.language),
            country=self.config.site.default_country,
            token_rate=self.config.api.requests_per_second,
            token_burst=self.config.api.request_burst,
        )
        bound = operator_socket.bind(self.config.server.socket, self.config.server.socket_group)
        stack.callback(bound.close)
        app = create_operator_app(context)
        if self.config.api.listen:
            self.api = ApiDoor(app, self.config.api, PublicLimits())
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=protocol_log("server.api.protocol"),
            shutdown_timeout=DOOR_S,
            handle_signals=False,
            keepalive_timeout=KEEPALIVE_S,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(hub.end_all, "the server is stopping")
        if self.api is not None:
            await self.api.start(runner)
            stack.push_async_callback(self.api.stop)
        await web.SockSite(runner, bound.socket, backlog=256).start()

    async def _keep_house(self) -> None:
        """Wake snoozes, watch the disk, forget old events."""
        loop = asyncio.get_running_loop()
        looked = forgot = loop.time()
        erased = -ERASE_EVERY_S  # what a killed server left undone is done at once
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                self.hub.end_expired(self.clock.now())
                self.hub.tell_company(self.clock.now())
                await self._look_at_writing()
                self._look_at_channels()
                await self._look_at_terms()
                if self.dispatcher is not None:
                    await self.dispatcher.look()
                if loop.time() - looked >= DISK_LOOK_S:
                    looked = loop.time()
                    self._look_at_disk()
                if loop.time() - erased >= ERASE_EVERY_S:
                    erased = loop.time()
                    await self.eraser.finish()
                if loop.time() - forgot >= FORGET_EVERY_S:
                    forgot = loop.time()
                    await self.database.write(codes.forget_over)
                    before = self.clock.now() - self.config.server.event_retention_days * DAY_MS
                    while await self.database.write(lambda tx, at=before: events.forget_before(tx, at)):  # type: ignore[misc]
                        pass  # a thousand at a time, so that nobody's commit waits long
            except StoreError as error:
                log.warning("housekeeping waits for the store", reason=str(error))
            except Exception:
                log.exception("housekeeping stumbled")

    async def _look_at_terms(self) -> None:
        """Scheduled replies and promises whose time has come, snoozes that are over."""
        now = self.clock.now()
        # First, so that what sleeps until its answer leaves does not wake for a moment.
        if await self.database.read(lambda tx: scheduled.any_due(tx, now)):
            await self.database.write(lambda tx: leaving.leave_due(tx, self.outgoing))
        snoozes, promises = await self.database.read(
            lambda tx: (conversations.due_snoozes(tx, now), cases.come_due(tx, now))
        )
        if snoozes:
            await self.database.write(casework.wake_due)
        if promises:
            await self.database.write(case.tell_due)
        await self.timekeeper.tell()
