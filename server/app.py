"""The agent server: what is put together, started in which order, and stopped in the reverse one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from server import backup
from server.apart import ParseApart
from server.api.context import Context
from server.api.listen import ApiDoor
from server.cases.outreach import Rules as OutreachRules
from server.cases.replying import Outgoing
from server.cases.templating import Site
from server.cases.topics import Topics
from server.cases.urgent import UrgentWords
from server.clock import Clock, SystemClock
from server.config import deadline_rules, make_channels, silence_terms
from server.cut_off import CutOff
from server.doors import open_operator_door, open_public_door
from server.follower import Follower
from server.host import ChannelHost, Installation
from server.housekeeping import House, Housekeeping
from server.hub import Hub
from server.indexer import Indexer
from server.intake import DAY_MS, Policy
from server.lock import DataLock
from server.marks import Marks
from server.measures import Measures
from server.offers import acknowledging_of, facts_of, offers_of, owner_of
from server.outbox import Outbox
from server.parsing import Parser
from server.parsing.child import ChildParser
from server.parsing.distant import DistantParser
from server.people import proving
from server.people.codes import CodeRules
from server.people.erasing import Eraser
from server.people.suggester import Suggester
from server.public.app import create_public_app
from server.public.confirm import Confirming
from server.public.counters import Counters
from server.public.listen import PublicServer
from server.queue.assigning import Desks
from server.queue.dispatcher import Dispatcher
from server.queue.silence_keeper import Announcing, SilenceKeeper
from server.queue.team_settings import make_teams
from server.queue.timekeeper import Timekeeper
from server.rawitems import RawItems
from server.running_channels import RunningChannels
from server.settings import Config
from server.store import events, offline, state
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.transaction import Event
from server.trouble import MIB, Trouble
from server.version import product_version
from server.webhooks.running import Webhooks, title_of
from server.webhooks.webhook import read_webhooks

log = structlog.get_logger(__name__)

# Stopping takes at most 10 s from SIGTERM to the end, whatever hangs: service managers and people wait no
# longer. Replies that are being sent get the most, because a cut one becomes unknown; the rest have
# `running_channels.STOP_S` and `doors.PATIENCE_S`.
DRAIN_S = 4.5
HOUSEKEEPING_S = 1.0


class Server:
    """One process, one database. `run()` holds it open; everything it owns ends with it."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.channels = make_channels(config)
        self.counters = Counters(self.channels)
        self.measures = Measures(self.counters)
        self.is_ready = False  # everything has started, and nothing is being stopped
        self.offers = offers_of(self.channels, config)
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
        configured = read_webhooks(config.webhooks)
        cut_off = CutOff(
            {channel_id: one.settings.title or channel_id for channel_id, one in self.channels.items()},
            {channel_id: owner_of(config, one.settings.owner) for channel_id, one in self.channels.items()}
            | {title_of(one.name): owner_of(config, one.owner) for one in configured},
        )
        self.trouble = Trouble(config.server, cut_off, self.clock)
        data_dir = config.server.data_dir
        self.blobs = BlobStore(data_dir / offline.BLOBS)
        self.database = Database(
            data_dir / offline.DATABASE,
            self.clock,
            self._committed,
            self.trouble.writing_changed,
            self.measures.committed,
        )
        self.eraser = Eraser(self.database, self.blobs, data_dir)
        self.deadline_rules = deadline_rules(config)
        self.running = RunningChannels(
            self.channels,
            config,
            self.database,
            self.clock,
            desks=self.desks,
            rules=self.deadline_rules,
            counters=self.counters,
            cut_off=cut_off,
        )
        self.webhooks = Webhooks(configured, self.database, self.clock, cut_off)
        self.timekeeper = Timekeeper(self.database, self.deadline_rules)
        self.public: PublicServer | None = None
        self.api: ApiDoor | None = None  # the operator API over TCP
        self.suggester: Suggester | None = None
        self.dispatcher: Dispatcher | None = None
        self.silences: SilenceKeeper | None = None
        self._hub: Hub | None = None

    @property
    def hub(self) -> Hub:
        if self._hub is None:
            raise RuntimeError("the server does not run")
        return self._hub

    # --- from start to stop ---------------------------------------------------------------------------

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
            hub = self._hub = self.trouble.hub = Hub(self.database, self.marks, newest)
            self.trouble.look_at_disk()

            policy = self._policy(hub)
            hosts: dict[str, ChannelHost] = {}
            taking_in = (self.database, self.blobs, self.channels, hosts, facts_of(self.offers), policy)
            apart = ParseApart(*taking_in, self._parser(), self.trouble.parser_is_away)
            raw_items = RawItems(*taking_in, apart.parse_by_hand)
            hosts.update(self._hosts(key, policy, apart))
            name = hashlib.sha256(b"name" + key).hexdigest()[:8]
            sending = Outbox(self.database, self.blobs, self.channels, self.clock, self.running.report, name)
            hub.on_event.append(lambda event: sending.soon() if event.kind == "message.queued" else None)
            hub.on_event.append(self.measures.heard)

            async def follow(follower: Follower) -> None:
                hub.on_event.append(follower.heard)
                await follower.start()
                stack.push_async_callback(follower.stop)

            indexer = Indexer(self.database)
            self.suggester = Suggester(self.database, key)
            self.silences = self._silence_keeper(policy)
            self.dispatcher = self._dispatcher(hub)
            for follower in (indexer, self.suggester, self.timekeeper, self.silences, self.dispatcher):
                await follow(follower)
            for sender in await self.webhooks.senders(name):
                await follow(sender)
            # The door first, so that channels know their address; until they run they answer 503.
            if self.config.public.enabled:
                self.public = await open_public_door(stack, self._public_app(hosts), self.config.public)
                for host in hosts.values():
                    host.base_url = self.public.url
            # Channels first listen, then send: an echo or a receipt must find somebody to take it.
            stack.push_async_callback(self.running.stop)
            await self.running.start(hosts)
            # Only a started channel can tell its own message ids in what was left over from a crash.
            apart.start()
            stack.push_async_callback(apart.stop)
            await sending.start()
            stack.push_async_callback(sending.stop, DRAIN_S)
            context = self._context(key, indexer, raw_items)
            self.api = await open_operator_door(stack, context, self.config)
            await follow(self._housekeeping(self.dispatcher))
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
        self._hub = self.trouble.hub = None

    def _committed(self, batch: list[Event]) -> None:
        if self._hub is not None:
            self._hub.publish(batch)

    # --- what is put together -------------------------------------------------------------------------

    def _policy(self, hub: Hub) -> Policy:
        return Policy(
            reopen_ms=self.config.site.reopen_days * DAY_MS,
            language=self.config.site.language,
            is_online=hub.is_online,
            urgent=UrgentWords(self.config.urgent.words).found,
            topics=Topics(self.config.queue.topics).found,
            acknowledging=acknowledging_of(
                self.channels, self.config, self.deadline_rules.calendar_of, self._name_message
            ),
        )

    def _parser(self) -> Parser:
        path = self.config.server.parse_worker
        if path is None:
            return ChildParser(self.config.server.workers)
        return DistantParser(path, product_version())

    def _hosts(self, key: bytes, policy: Policy, apart: ParseApart) -> dict[str, ChannelHost]:
        installation = Installation(
            database=self.database,
            blobs=self.blobs,
            hub=self.hub,
            clock=self.clock,
            key=key,
            policy=policy,
            site_name=self.config.site.name,
            base_url=self.config.public.base_url,
            refuse=self.trouble.refusal,
            parse_soon=apart.soon,
            count=self.counters.add,
            opens_at=self.running.opens_at,
        )
        return {
            channel_id: ChannelHost(installation, facts, partial(self.running.report, channel_id))
            for channel_id, facts in facts_of(self.offers).items()
        }

    def _silence_keeper(self, policy: Policy) -> SilenceKeeper:
        announcing = Announcing(
            offers=self.offers,
            saying=policy.acknowledging,
            site=self.config.site.name,
            language=self.config.site.language,
        )
        return SilenceKeeper(self.database, silence_terms(self.config), announcing, HOUSEKEEPING_S)

    def _dispatcher(self, hub: Hub) -> Dispatcher:
        away_ms = self.config.queue.away_seconds * 1000
        return Dispatcher(self.database, self.desks, self.clock, hub.operators_online, away_ms)

    def _housekeeping(self, dispatcher: Dispatcher) -> Housekeeping:
        house = House(
            database=self.database,
            clock=self.clock,
            hub=self.hub,
            trouble=self.trouble,
            outgoing=self.outgoing,
            outreach=self._outreach(),
            eraser=self.eraser,
            timekeeper=self.timekeeper,
            dispatcher=dispatcher,
            retention_ms=self.config.server.event_retention_days * DAY_MS,
        )
        return Housekeeping(house, HOUSEKEEPING_S)

    def _outreach(self) -> OutreachRules:
        return OutreachRules(
            colleague_ms=self.config.outreach.colleague_days * DAY_MS,
            record_ms=self.config.outreach.record_days * DAY_MS,
            record_kinds=self.config.outreach.record_kinds,
            site=self.config.site.name,
        )

    def _public_app(self, hosts: dict[str, ChannelHost]) -> web.Application:
        return create_public_app(
            self.config.public,
            self.channels,
            hosts,
            self.counters,
            trouble=self.trouble.text,
            ready=lambda: self.is_ready,
            confirming=Confirming(
                site_name=self.config.site.name,
                language=self.config.site.language,
                confirm=self._confirm,
            ),
        )

    def _context(self, key: bytes, indexer: Indexer, raw_items: RawItems) -> Context:
        return Context(
            database=self.database,
            indexer=indexer,
            blobs=self.blobs,
            eraser=self.eraser,
            hub=self.hub,
            clock=self.clock,
            marks=self.marks,
            outgoing=self.outgoing,
            codes=CodeRules(
                key=key,
                site_name=self.config.site.name,
                language=self.config.site.language,
                link_ms=self.config.site.link_minutes * 60_000,
            ),
            channels=self.running.infos,
            webhooks=self.webhooks,
            site_name=self.config.site.name,
            version=product_version(),
            trouble=self.trouble.text,
            notice=self.trouble.notice,
            disk_reserve=self.config.server.disk_reserve_mb * MIB,
            ready=lambda: self.is_ready and not self.trouble.text(),
            measures=self.measures,
            timekeeper=self.timekeeper,
            raw_items=raw_items,
            fields=self.config.fields,
            segments=self.config.segments,
            desks=self.desks,
            outreach=self._outreach(),
            site=Site(name=self.config.site.name, language=self.config.site.language),
            country=self.config.site.default_country,
            token_rate=self.config.api.requests_per_second,
            token_burst=self.config.api.request_burst,
        )

    # --- what others ask of it --------------------------------------------------------------------------

    def _name_message(self, channel_id: str, conversation_id: int, message_id: int) -> str | None:
        return self.channels[channel_id].name_message(conversation_id, message_id)

    def _zone_of(self, channel_id: str) -> ZoneInfo | None:
        calendar = self.deadline_rules.calendar_of(channel_id)
        return None if calendar is None else calendar.zone

    async def _confirm(self, token: str) -> bool:
        titles = {channel_id: offer.title for channel_id, offer in self.offers.items()}
        language = self.config.site.language
        return await self.database.write(lambda tx: proving.confirm(tx, token, language, titles))

    def _confirm_link(self, token: str) -> str:
        base = self.public.url if self.public is not None else self.config.public.base_url
        return f"{base}/confirm/{token}"
