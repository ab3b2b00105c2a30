"""One mailbox as a channel: reads by IMAP, sends by SMTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import msgspec

from channels.base import (
    BoxLedger,
    Capabilities,
    Channel,
    ChannelError,
    ChannelHealth,
    ChannelSettings,
    ChannelSpec,
    Delivery,
    Failed,
    Fate,
    Host,
    InboundEvent,
    Outbound,
    ProbeResult,
    SendResult,
    Sent,
)
from channels.email import mail_item
from channels.email.addresses import ascii_address, canonical, split_address
from channels.email.identity import is_ours, message_id
from channels.email.imap import ImapError, ImapRefusedError, ImapSession, LoginRefusedError
from channels.email.imap_link import open_session
from channels.email.ledger import reconcile
from channels.email.message import MessageError
from channels.email.oauth import TokenError, TokenSource
from channels.email.outgoing import copy, envelope, letter, usable
from channels.email.own_mail import recognised
from channels.email.pace import Pace
from channels.email.poller import Poller
from channels.email.probe import probe_imap, probe_smtp
from channels.email.sent_copy import file_copy, files_itself
from channels.email.settings import EmailSettings, check, uses_tokens
from channels.email.smtp import deliver, outcome
from channels.email.threads import checked
from channels.email.whole import fetch_whole

MIB = 1024 * 1024


class EmailChannel(Channel):
    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="email",
        title="E-mail",
        mark="@",
        scheme="email",
        shared_scheme=True,
        settings=EmailSettings,
        capabilities=Capabilities(
            medium="email",
            text_max=200_000,
            files_max=20,
            # Base64 makes a third more of it, and 25 MB is what most receivers take.
            file_bytes_max=18 * MIB,
            subject=True,
            start_by_us=True,
            recipients_max=50,
            begins_anew=True,
            send_timeout_s=600.0,  # every step has a limit of its own
            give_up_after_s=3 * 86_400,  # as long as mail servers try
            holds_on_customer_message=True,
        ),
        parser="channels.email.parse:parse",
    )

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        super().__init__(channel_id, settings)
        if not isinstance(settings, EmailSettings):
            raise ChannelError(f"{type(settings).__name__} are not the settings of an e-mail channel")
        check(settings)
        self._settings = msgspec.structs.replace(settings, address=ascii_address(settings.address))
        self._key: bytes | None = None
        self._task: asyncio.Task[None] | None = None
        self._poller: Poller | None = None
        self.pace = Pace()
        self.tokens = TokenSource(settings.token, settings.token_command) if uses_tokens(settings) else None

    async def start(self, host: Host) -> None:
        await super().start(host)
        self._key = host.key("message-id")
        host.report(ChannelHealth(state="starting"))
        self._poller = Poller(self._settings, host, self.pace, self.tokens)
        self._task = asyncio.create_task(self._poller.run(), name=f"email {self.id}")

    async def stop(self) -> None:
        task, poller = self._task, self._poller
        self._task = None
        if task is None or poller is None:
            return
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)
        await poller.finish(1.2)
        self.host.report(ChannelHealth(state="stopped"))

    def recognise(self, event: InboundEvent) -> InboundEvent:
        """What bears our MAC becomes trusted; a mail that is itself one of ours is an echo."""
        key = self._message_key()
        references, forged = checked(key, event.references, event.bounces)
        detail = dict(event.detail)
        if forged:
            detail["forged"] = str(forged)
        own_id = detail.pop("own_id", "")
        event = msgspec.structs.replace(event, references=references, detail=detail)
        if own_id and event.is_echo and not event.quarantine and is_ours(key, own_id):
            # In our Sent folder, under the id that the relay gave it: answers will name that one.
            relayed = {**detail, "relay_id": event.remote_message_id or ""}
            event = msgspec.structs.replace(event, remote_message_id=own_id, detail=relayed)
        if event.remote_message_id is not None and is_ours(key, event.remote_message_id):
            return recognised(event)
        return event

    def name_message(self, conversation_id: int, message_id_: int) -> str:
        domain = split_address(self._settings.address)[1]
        return message_id(self._message_key(), conversation_id, message_id_, domain)

    def check_address(self, address: str) -> str:
        canonical_form = canonical(address.strip())
        if not canonical_form or not usable(canonical_form):
            raise ChannelError(f"{address!r} is not an e-mail address", hint="write it as name@example.org")
        if canonical_form in self.own_addresses():
            raise ChannelError(f"{address} is our own address", hint="mail to it would come back to us")
        return canonical_form

    def signature(self) -> str:
        return ""  # it depends on the alias, and stands above the quotation: `outgoing.py` puts it there

    def quotes(self) -> int:
        return self._settings.quote_max if self._settings.quote else 0

    def own_addresses(self) -> frozenset[str]:
        return frozenset(canonical(one) for one in (self._settings.address, *self._settings.aliases))

    async def send(self, message: Outbound) -> SendResult:
        ready = letter(self._settings, self._message_key(), message, self.host.site_name)
        why = "no mail can go to this address"
        fates = [Fate(one, "failed", why) for one in ready.unusable]
        if not ready.pending:
            return outcome(fates, None) if fates else Sent(remote_id=ready.draft.message_id)
        try:
            prepared = await asyncio.to_thread(envelope, ready)
        except MessageError as error:
            return Failed(str(error))
        result = await deliver(self._settings, prepared, self.pace, self.tokens, fates)
        if self._poller is not None:
            self._poller.sent()  # also where nobody knows whether it went out: its copy would tell
        if isinstance(result, Sent):
            return msgspec.structs.replace(result, remote_id=ready.draft.message_id)
        return result

    async def file_copy(self, message: Outbound) -> None:
        if self._settings.sent_copy == "off" or files_itself(self._settings):
            return
        ready = letter(self._settings, self._message_key(), message, self.host.site_name)
        raw = await asyncio.to_thread(copy, ready, message)
        await file_copy(self._settings, self.pace, self.tokens, ready.draft.message_id, raw)

    def archived(self, raw: bytes) -> Delivery:
        return mail_item.archived(self._settings, raw)

    async def whole(self, meta: Mapping[str, str]) -> bytes:
        async with self._session() as session:
            return await fetch_whole(session, meta)

    async def ledger(self) -> list[BoxLedger]:
        folders = list(self._settings.folders) if self._poller is None else self._poller.folders()
        async with self._session() as session:
            return [await reconcile(session, folder, self.host) for folder in folders]

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[ImapSession]:
        """A link of its own, for what an operator asks for. Raises ChannelError."""
        try:
            session = await open_session(self._settings, self.pace, self.tokens)
            try:
                yield session
            finally:
                session.drop()
        except (ImapError, ImapRefusedError, LoginRefusedError, TokenError) as error:
            raise ChannelError(str(error), hint="omni doctor looks at the whole mailbox") from error

    async def probe(self) -> list[ProbeResult]:
        return [
            *await probe_imap(self._settings, self.pace, self.tokens),
            *await probe_smtp(self._settings, self.pace, self.tokens),
        ]

    def _message_key(self) -> bytes:
        if self._key is None:
            raise ChannelError("the channel was not started", hint="call start(host) first")
        return self._key
