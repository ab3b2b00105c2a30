"""Systems of the company that are told of what happens: what `[[webhooks]]` says of them, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from yarl import URL

from channels import dialling
from channels.secret import Secret
from channels.webhook import deliver, standard
from server.people.card_settings import SettingError
from server.webhooks import kinds
from server.webhooks.settings import EventWebhookSettings

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
TIMEOUT_MAX_S = 60.0


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """`EventWebhookSettings`, read."""

    name: str
    url: str
    keys: tuple[bytes, ...]
    events: tuple[str, ...]
    allowed: tuple[dialling.Network, ...]  # besides the internet
    timeout_s: float
    owner: str = ""

    @property
    def receiver(self) -> str:
        """Where it leads, without what may be secret in its path."""
        return str(URL(self.url).origin())

    def wants(self, kind: str) -> bool:
        return kinds.wanted(self.events, kind)


def read_webhooks(settings: Sequence[EventWebhookSettings]) -> list[Webhook]:
    """Raises SettingError."""
    found: list[Webhook] = []
    for number, one in enumerate(settings):
        try:
            webhook = _read(one)
            if any(webhook.name == other.name for other in found):
                raise SettingError(
                    f"there is another one called {webhook.name!r}", key="name", hint="give each its own name"
                )
        except SettingError as error:
            raise SettingError(str(error), key=f"webhooks[{number}].{error.key}", hint=error.hint) from error
        found.append(webhook)
    return found


def _read(one: EventWebhookSettings) -> Webhook:
    problem = deliver.check_url(one.url)
    if problem:
        raise SettingError(problem, key="url", hint='such as "https://crm.example.org/omni"')
    name = one.name or (URL(one.url).host or "").lower()
    if not NAME.fullmatch(name):
        raise SettingError(
            f"{name!r} is not a webhook's name", key="name", hint="small Latin letters, digits, hyphens, dots"
        )
    if not 0 < one.timeout_seconds <= TIMEOUT_MAX_S:
        raise SettingError(f"it must be above 0, and {TIMEOUT_MAX_S:g} at most", key="timeout_seconds")
    kinds.check(one.events)
    try:
        allowed = (*dialling.named_by(one.url), *dialling.networks(one.networks))
    except ValueError as error:
        raise SettingError(str(error), key="networks", hint='such as "10.1.0.0/16"') from error
    keys = [_key(one.secret, "secret")]
    if one.previous_secret is not None:
        keys.append(_key(one.previous_secret, "previous_secret"))
    return Webhook(
        name=name,
        url=one.url,
        keys=tuple(keys),
        events=one.events,
        allowed=allowed,
        timeout_s=one.timeout_seconds,
        owner=one.owner,
    )


def _key(secret: Secret, key: str) -> bytes:
    try:
        return standard.read_secret(secret.reveal())
    except ValueError as error:
        raise SettingError(
            f"{secret.source}: {error}", key=key, hint="make one: echo whsec_$(openssl rand -base64 32)"
        ) from error
