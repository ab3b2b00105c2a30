"""The webhook channel: settings, and the thin shell around the pure modules beside it."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, cast

import aiohttp
import msgspec

from channels import dialling
from channels.base import (
    BadCredentials,
    Capabilities,
    Channel,
    ChannelError,
    ChannelHealth,
    ChannelSettings,
    ChannelSpec,
    Failed,
    HookRequest,
    Host,
    InboundEvent,
    Outbound,
    ProbeResult,
    Rejected,
    Retry,
    SendResult,
    Sent,
    Verified,
)
from channels.secret import Secret
from channels.webhook import deliver, standard
from channels.webhook.parse import parse_event


class WebhookSettings(ChannelSettings, kw_only=True, forbid_unknown_fields=True):
    """`secrets` verify what comes in; during a rotation there are two, the new one first.

    `deliver_secrets` sign what goes out; left empty, `secrets` do.
    """

    secrets: list[Secret] = msgspec.field(default_factory=list)
    deliver_url: str = ""  # where replies go; empty: this channel only listens
    deliver_networks: tuple[str, ...] = ()  # not on the internet, and deliver_url may lead there all the same
    deliver_secrets: list[Secret] = msgspec.field(default_factory=list)
    deliver_timeout_s: float = 20.0
    default_country: str = ""  # ISO 3166 code for phone numbers without a country code
    continue_url: str = ""  # a page of yours with {token} in it, by which a person goes on here; empty: none


class WebhookChannel(Channel):
    """Standard Webhooks in both directions: the way in for anything that can sign a request."""

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="webhook",
        title="Webhook",
        mark="h",
        scheme="webhook",
        shared_scheme=False,
        settings=WebhookSettings,
        capabilities=Capabilities(
            give_up_after_s=3 * 86_400,  # the receiving system may be down over a weekend
            text_max=100_000,
            files_max=10,
            file_bytes_max=10 * 1024 * 1024,
            subject=True,
            edit=False,
            delivery_receipts=True,
            read_receipts=True,
            idempotent=True,
            continue_links=True,
        ),
        takes_hooks=True,
    )

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        super().__init__(channel_id, settings)
        if not isinstance(settings, WebhookSettings):
            raise ChannelError(f"channel {channel_id}: these are no settings of a webhook", key="kind")
        self._settings = settings
        self._keys = _keys(channel_id, "secrets", settings.secrets)
        if not self._keys:
            raise ChannelError(
                f"channel {channel_id}: a webhook without a secret would believe anybody",
                key="secrets",
                hint="make one: echo whsec_$(openssl rand -base64 32), and name it as env:NAME or file:PATH",
            )
        self._deliver_keys = _keys(channel_id, "deliver_secrets", settings.deliver_secrets) or self._keys
        if settings.acknowledge and not settings.deliver_url:
            raise ChannelError(
                f"channel {channel_id}: it answers nobody: nothing can be acknowledged",
                key="acknowledge",
                hint="set deliver_url, or take acknowledge away",
            )
        if settings.deliver_url:
            problem = deliver.check_url(settings.deliver_url)
            if problem:
                raise ChannelError(f"channel {channel_id}: deliver_url: {problem}", key="deliver_url")
        try:
            self._allowed = (
                *dialling.named_by(settings.deliver_url),
                *dialling.networks(settings.deliver_networks),
            )
        except ValueError as error:
            raise ChannelError(
                f"channel {channel_id}: {error}", key="deliver_networks", hint='such as "10.1.0.0/16"'
            ) from error
        if settings.continue_url and not _leads(settings.continue_url):
            raise ChannelError(
                f"channel {channel_id}: continue_url must be a web address with {{token}} in it",
                key="continue_url",
                hint='such as "https://market.example/chat?continue={token}"',
            )
        if settings.deliver_timeout_s <= 0:
            raise ChannelError(
                f"channel {channel_id}: deliver_timeout_s must be above 0", key="deliver_timeout_s"
            )
        if settings.default_country and not (
            len(settings.default_country) == 2 and settings.default_country.isascii()
        ):
            raise ChannelError(
                f"channel {channel_id}: default_country is no ISO 3166 code",
                key="default_country",
                hint='two letters, such as "RU" or "DE"',
            )
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def for_reading(cls) -> WebhookChannel:
        made_up = standard.PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        return cls("webhook", WebhookSettings(kind="webhook", secrets=[Secret(made_up)]))

    async def start(self, host: Host) -> None:
        await super().start(host)
        self._session = aiohttp.ClientSession(
            connector=dialling.connector(self._allowed),
            timeout=aiohttp.ClientTimeout(total=self._settings.deliver_timeout_s, connect=10),
            headers={"User-Agent": "omni-console-webhook/1"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        host.report(ChannelHealth(state="connected"))

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            self.host.report(ChannelHealth(state="stopped"))

    def verify(self, request: HookRequest) -> Verified | Rejected:
        try:
            standard.check(self._keys, request.headers, request.body, request.received_at // 1000)
        except standard.SignatureError as error:
            return Rejected(str(error))
        return Verified()

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        country = self._settings.default_country.upper()
        return [parse_event(request.headers.get("webhook-id", ""), request.body, country)]

    def continue_link(self, token: str) -> str | None:
        return self._settings.continue_url.replace("{token}", token) or None

    async def send(self, message: Outbound) -> SendResult:
        if not self._settings.deliver_url:
            return Failed(reason="this channel has no deliver_url: it only listens")
        if self._session is None:
            return Retry(reason="the channel is not running")
        try:
            contents = await asyncio.to_thread(
                lambda: [Path(file.path).read_bytes() for file in message.files]
            )
        except OSError as error:
            return Failed(reason=f"a file cannot be read: {error.strerror}")
        body = deliver.body(message, contents)
        now = self.host.now()
        try:
            async with self._session.post(
                self._settings.deliver_url,
                data=body,
                headers={
                    "Content-Type": "application/json",
                    **standard.headers(self._deliver_keys, message.key, now // 1000, body),
                },
                allow_redirects=False,
            ) as response:
                result = deliver.judge(response.status, response.headers.get("Retry-After"), message.key, now)
                self._report(response.status, result)
                return result
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Even after the body was written: the receiver knows a repeat by its webhook-id.
            reason = f"no answer: {type(error).__name__}: {error}".rstrip(": ")
            self.host.report(ChannelHealth(state="retrying", detail=reason))
            return Retry(reason=reason)

    def _report(self, status: int, result: SendResult) -> None:
        if isinstance(result, Sent):
            self.host.report(ChannelHealth(state="connected"))
        elif isinstance(result, BadCredentials):
            self.host.report(ChannelHealth(state="bad_credentials", detail=result.reason))
        elif isinstance(result, Retry):
            self.host.report(ChannelHealth(state="retrying", detail=result.reason))
        elif status == 410:
            self.host.report(ChannelHealth(state="failed", detail=cast(Failed, result).reason))

    async def probe(self) -> list[ProbeResult]:
        url = self._settings.deliver_url
        if not url:
            return [ProbeResult(name="deliver_url", ok=True, detail="not set: this channel only listens")]
        try:
            async with (
                aiohttp.ClientSession(
                    connector=dialling.connector(self._allowed), timeout=aiohttp.ClientTimeout(total=10)
                ) as session,
                session.options(url, allow_redirects=False) as response,
            ):
                return [ProbeResult(name="deliver_url", ok=True, detail=f"answers ({response.status})")]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return [
                ProbeResult(
                    name="deliver_url",
                    ok=False,
                    detail=f"{type(error).__name__}: {error}",
                    hint="is the receiver running, and is its address right?",
                )
            ]


def _leads(url: str) -> bool:
    return url.startswith(("https://", "http://")) and url.isprintable() and "{token}" in url


def _keys(channel_id: str, key: str, secrets: Sequence[Secret]) -> list[bytes]:
    keys = []
    for secret in secrets:
        try:
            keys.append(standard.read_secret(secret.reveal()))
        except ValueError as error:
            raise ChannelError(
                f"channel {channel_id}: {secret.source}: {error}",
                key=key,
                hint="make one: echo whsec_$(openssl rand -base64 32)",
            ) from error
    return keys
