"""What must be true of tables of omni.toml beyond their types."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from channels.loopback import is_loopback
from channels.registry import channel_class
from server.people.card_settings import SettingError
from server.queue.team_settings import check_teams as check_members
from server.settings import ApiSettings, Config, PublicSettings, parse_listen
from server.signing import measured
from server.tables import ConfigError, setting_error


def check_public(public: PublicSettings, path: Path) -> None:
    """Raises ConfigError."""
    try:
        parse_listen(public.listen)
    except ValueError as error:
        raise ConfigError(str(error), file=path, key="public.listen") from error
    _check_networks(public.trusted_proxies, path, "public.trusted_proxies")
    if public.base_url:
        try:
            parts = urlsplit(public.base_url)
            wrong = parts.scheme not in ("http", "https") or not parts.hostname
            wrong = wrong or bool(parts.query or parts.fragment or parts.username)
        except ValueError:
            wrong = True
        if wrong:
            raise ConfigError(
                f"{public.base_url!r} is not a web address",
                file=path,
                key="public.base_url",
                hint='write how visitors reach this server: "https://help.example.org"',
            )
        public.base_url = public.base_url.rstrip("/")


def _check_networks(networks: tuple[str, ...], path: Path, key: str) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ConfigError(
                str(error), file=path, key=key, hint='write "10.0.0.5" or "10.0.0.0/24"'
            ) from error


def check_api(api: ApiSettings, path: Path) -> None:
    """A token in clear text stays on this host, or the server does not start. Raises ConfigError."""
    _check_networks(api.trusted_proxies, path, "api.trusted_proxies")
    if (api.tls_certificate is None) != (api.tls_key is None):
        missing = "tls_key" if api.tls_key is None else "tls_certificate"
        raise ConfigError(
            "is missing", file=path, key=f"api.{missing}", hint="a certificate and its key belong together"
        )
    if api.behind_proxy and not api.trusted_proxies:
        raise ConfigError(
            "which proxy is it?",
            file=path,
            key="api.trusted_proxies",
            hint='write its address: trusted_proxies = ["10.0.0.5"]',
        )
    if not api.listen:
        return
    try:
        host, _ = parse_listen(api.listen)
    except ValueError as error:
        raise ConfigError(str(error), file=path, key="api.listen") from error
    if not (is_loopback(host) or api.tls_certificate or api.behind_proxy):
        raise ConfigError(
            f"{api.listen} can be reached from other hosts, and tokens would travel in clear text",
            file=path,
            key="api.listen",
            hint="set api.tls_certificate and api.tls_key, or api.behind_proxy with api.trusted_proxies,"
            " or listen on 127.0.0.1",
        )


def check_teams(config: Config, path: Path) -> None:
    """Raises ConfigError."""
    media = {
        name: channel_class(settings.kind).spec.capabilities.medium
        for name, settings in config.channels.items()
    }
    owners = {name: settings.owner for name, settings in config.channels.items()}
    try:
        check_members(config.teams, media, owners)
    except SettingError as error:
        raise setting_error(error, path, "teams") from error


def check_out_of_hours(config: Config) -> None:
    """Raises SettingError."""
    for name, settings in config.channels.items():
        if settings.out_of_hours and settings.hours not in config.hours:
            raise SettingError(
                "nobody knows when it is open",
                key=f"channels.{name}.out_of_hours",
                hint='write [hours.office] and hours = "office"',
            )


def check_words(config: Config) -> None:
    """Raises SettingError where a channel cannot carry what it is to say by itself or below each reply."""
    for name, settings in config.channels.items():
        can = channel_class(settings.kind).spec.capabilities
        for key, most in (("acknowledge", can.text_max), ("signature", can.text_max // 2)):
            if measured(getattr(settings, key), can) > most:
                raise SettingError(
                    f"it is longer than {most} {can.text_unit}",
                    key=f"channels.{name}.{key}",
                    hint="shorten it: what operators write must fit, too",
                )


def check_webhooks(config: Config) -> None:
    """Raises SettingError."""
    from server.webhooks.webhook import read_webhooks  # with all that sends: a console needs none of it

    read_webhooks(config.webhooks)
    known = {*config.teams, *(login for team in config.teams.values() for login in team.members)}
    for number, one in enumerate(config.webhooks):
        if config.teams and one.owner and one.owner not in known:
            raise SettingError(
                f"{one.owner!r} is neither a team nor in one",
                key=f"webhooks[{number}].owner",
                hint="name a team, or a member of one",
            )
