"""The e-mail channel: IMAP in, SMTP out.

What it supports is described in docs/channels/email.md; how no mail is lost or doubled in
`channels.email.bookmark` and `channels.email.poller`.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import msgspec

from channels.base import (
    Capabilities,
    Channel,
    ChannelError,
    ChannelHealth,
    ChannelSettings,
    ChannelSpec,
    Failed,
    Host,
    InboundEvent,
    Outbound,
    ProbeResult,
    SendResult,
    Sent,
)
from channels.email.addresses import ascii_address, split_address
from channels.email.identity import is_ours, message_id
from channels.email.message import Draft, MessageError, build, reply_subject
from channels.email.oauth import TokenSource
from channels.email.pace import Pace
from channels.email.poller import Poller
from channels.email.probe import probe_imap, probe_smtp
from channels.email.settings import EmailSettings, check, uses_tokens
from channels.email.smtp import Envelope, deliver

MIB = 1024 * 1024

__all__ = ["EmailChannel", "EmailSettings"]


class EmailChannel(Channel):
    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="email",
        title="E-mail",
        mark="@",
        scheme="email",
        shared_scheme=True,
        settings=EmailSettings,
        capabilities=Capabilities(
            text_max=200_000,
            files_max=20,
            # Base64 makes a third more of it, and 25 MB is what most receivers take.
            file_bytes_max=18 * MIB,
            subject=True,
            start_by_us=True,
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
        """References that carry our MAC become trusted; a mail that is itself one of ours is an echo."""
        key = self._message_key()
        references = tuple(
            msgspec.structs.replace(one, trusted=True, how=f"{one.how}, our own id")
            if is_ours(key, one.remote_id)
            else one
            for one in event.references
        )
        if event.remote_message_id is not None and is_ours(key, event.remote_message_id):
            return msgspec.structs.replace(
                event, references=references, kind="unsupported", is_echo=True, automatic=True
            )
        return msgspec.structs.replace(event, references=references)

    def name_message(self, conversation_id: int, message_id_: int) -> str:
        domain = split_address(self._settings.address)[1]
        return message_id(self._message_key(), conversation_id, message_id_, domain)

    async def send(self, message: Outbound) -> SendResult:
        local, domain = split_address(ascii_address(message.to))
        if not local or domain == "invalid" or domain.endswith(".invalid"):
            return Failed(f"{message.to!r} is not an address that can be answered")
        name = message.remote_id or self.name_message(message.conversation_id, message.message_id)
        draft = Draft(
            sender=self._settings.address,
            sender_name=self._settings.from_name or message.author,
            to=f"{local}@{domain}",
            to_name=message.to_name or "",
            subject=reply_subject(message.subject, bool(message.references), self.host.site_name),
            text=message.text,
            message_id=name,
            references=[one for one in message.references if one != name],
            date=message.written_at,
            files=message.files,
        )
        try:
            data = await asyncio.to_thread(build, draft)
        except MessageError as error:
            return Failed(str(error))
        envelope = Envelope(self._settings.address, draft.to, data)
        result = await deliver(self._settings, envelope, self.pace, self.tokens)
        return Sent(remote_id=name) if isinstance(result, Sent) else result

    async def probe(self) -> list[ProbeResult]:
        return [
            *await probe_imap(self._settings, self.pace, self.tokens),
            *await probe_smtp(self._settings, self.pace, self.tokens),
        ]

    def _message_key(self) -> bytes:
        if self._key is None:
            raise ChannelError("the channel was not started", hint="call start(host) first")
        return self._key
