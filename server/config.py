"""omni.toml → typed settings.

A configuration with a misspelt key, a secret written into it, or a value out of range is refused with the
file, the key and what to write instead: `ConfigError`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from channels.base import Channel, ChannelError, ChannelSettings
from channels.registry import channel_class
from channels.secret import Secret
from server.config_checks import (
    check_api,
    check_out_of_hours,
    check_public,
    check_teams,
    check_webhooks,
    check_words,
)
from server.people.card_settings import (
    FieldSettings,
    SegmentSettings,
    SettingError,
    check_field,
    check_segment,
)
from server.queue.deadlines import DeadlineSettings, Rules, read_calendars, read_rules
from server.queue.hours import HoursSettings
from server.queue.silence import SilenceSettings, Terms, read_terms
from server.queue.team_settings import QueueSettings, TeamSettings
from server.settings import (
    ApiSettings,
    Config,
    OutreachSettings,
    PublicSettings,
    SendingSettings,
    ServerSettings,
    SiteSettings,
    UrgentSettings,
)
from server.tables import ConfigError, convert, listed, nearest, setting_error, table_of
from server.webhooks.settings import EventWebhookSettings

CHANNEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


# --- where things are -----------------------------------------------------------------------------


def config_places(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where a configuration is looked for when none is named, in order."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    return [Path("omni.toml"), Path(base) / "omni" / "omni.toml", Path("/etc/omni/omni.toml")]


def find_config(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """--config, $OMNI_CONFIG, ./omni.toml, $XDG_CONFIG_HOME/omni/omni.toml, /etc/omni/omni.toml.

    A file that is named and missing is an error, and no other is looked for.
    """
    named = given or (Path(environ["OMNI_CONFIG"]) if environ.get("OMNI_CONFIG") else None)
    if named is not None:
        if named.is_file():
            return named.absolute()
        raise ConfigError("there is no such file", file=named, hint="omni init writes one")
    places = config_places(environ)
    for place in places:
        if place.is_file():
            return place.absolute()
    looked = ", ".join(str(place) for place in places)
    raise ConfigError(f"no configuration found (looked at {looked})", hint="omni init writes one")


def is_system(config_path: Path | None) -> bool:
    """True for the configuration of a system service, whose files are in /var/lib/omni and /run/omni."""
    return config_path is not None and config_path.parent == Path("/etc/omni")


def default_data_dir(config_path: Path | None) -> Path:
    return Path("/var/lib/omni") if is_system(config_path) else Path(platformdirs.user_data_dir("omni"))


def default_socket(config_path: Path | None, data_dir: Path, environ: Mapping[str, str] = os.environ) -> Path:
    if is_system(config_path):
        return Path("/run/omni/omni.sock")
    runtime = environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "omni" / "omni.sock" if runtime else data_dir / "omni.sock"


# --- reading --------------------------------------------------------------------------------------


def load(path: Path) -> Config:
    """Read a configuration with its secrets. Raises ConfigError and nothing else."""
    path = path.absolute()
    return decode(_read(path), path)


def load_server(path: Path) -> ServerSettings:
    """`[server]` alone, for commands that must not need the secrets of channels. Raises ConfigError."""
    path = path.absolute()
    return _server(_tables(_read(path), path), path)


def decode(data: bytes, path: Path) -> Config:
    """The configuration in `data`, which came from `path` (relative files are sought next to it)."""
    tables = _tables(data, path)
    site = convert(tables["site"], SiteSettings, path, "site")
    config = Config(
        server=_server(tables, path),
        public=convert(tables["public"], PublicSettings, path, "public"),
        api=convert(tables["api"], ApiSettings, path, "api"),
        site=site,
        urgent=convert(tables["urgent"], UrgentSettings, path, "urgent"),
        outreach=convert(tables["outreach"], OutreachSettings, path, "outreach"),
        sending=convert(tables["sending"], SendingSettings, path, "sending"),
        channels={name: _channel(name, table, site, path) for name, table in tables["channels"].items()},
        fields={name: _field(name, table, path) for name, table in tables["fields"].items()},
        teams={
            name: convert(table_of(table, path, f"teams.{name}"), TeamSettings, path, f"teams.{name}")
            for name, table in tables["teams"].items()
        },
        queue=convert(tables["queue"], QueueSettings, path, "queue"),
        hours={
            name: convert(table_of(table, path, f"hours.{name}"), HoursSettings, path, f"hours.{name}")
            for name, table in tables["hours"].items()
        },
        deadlines=listed(tables["deadlines"], DeadlineSettings, path, "deadlines"),
        silence=listed(tables["silence"], SilenceSettings, path, "silence"),
        webhooks=listed(tables["webhooks"], EventWebhookSettings, path, "webhooks"),
        config_path=path,
    )
    check_teams(config, path)
    config.segments = {
        name: _segment(name, table, config.fields, path) for name, table in tables["segments"].items()
    }
    try:
        deadline_rules(config)
        silence_terms(config)
        check_out_of_hours(config)
        check_words(config)
        check_webhooks(config)
    except SettingError as error:
        raise ConfigError(str(error), file=path, key=error.key, hint=error.hint) from error
    check_public(config.public, path)
    check_api(config.api, path)
    return config


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read it: {error.strerror}", file=path) from error


def _tables(data: bytes, path: Path) -> dict[str, dict[str, Any]]:
    try:
        raw = msgspec.toml.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", file=path) from error
    known = [
        "server",
        "public",
        "api",
        "site",
        "urgent",
        "outreach",
        "sending",
        "channels",
        "teams",
        "queue",
        "fields",
        "segments",
        "hours",
        "deadlines",
        "silence",
        "webhooks",
    ]
    for name in raw:
        if name not in known:
            raise ConfigError("unknown table or key", file=path, key=name, hint=nearest(name, known))
    tables: dict[str, dict[str, Any]] = {}
    for name in ("deadlines", "silence", "webhooks"):
        if not isinstance(raw.get(name, []), list):
            raise ConfigError("must be a list of tables", file=path, key=name, hint=f"write [[{name}]]")
        raw[name] = dict(enumerate(raw.get(name, [])))
    for name in known:
        tables[name] = raw.get(name, {})
        if not isinstance(tables[name], dict):
            raise ConfigError("must be a table", file=path, key=name, hint=f"write [{name}]")
    return tables


def _server(tables: dict[str, dict[str, Any]], path: Path) -> ServerSettings:
    _fill_places(tables["server"], path)
    return convert(tables["server"], ServerSettings, path, "server")


def _fill_places(server: dict[str, Any], path: Path) -> None:
    data_dir = server.setdefault("data_dir", str(default_data_dir(path)))
    if isinstance(data_dir, str):
        server.setdefault("socket", str(default_socket(path, path.parent / Path(data_dir).expanduser())))
    else:
        server.setdefault("socket", "omni.sock")


def _channel(name: str, table: object, site: SiteSettings, path: Path) -> ChannelSettings:
    key = f"channels.{name}"
    if not CHANNEL_NAME.fullmatch(name):
        raise ConfigError(
            "not a channel's name",
            file=path,
            key=key,
            hint="use small Latin letters, digits and hyphens, at most 31, starting with a letter or digit",
        )
    if not isinstance(table, dict):
        raise ConfigError("must be a table", file=path, key=key, hint=f"write [{key}]")
    kind = table.get("kind")
    if not isinstance(kind, str):
        raise ConfigError("which kind of channel is it?", file=path, key=key, hint='write kind = "email"')
    try:
        settings = channel_class(kind).spec.settings
    except ChannelError as error:
        raise ConfigError(str(error), file=path, key=f"{key}.kind", hint=error.hint) from error
    except Exception as error:  # it may be anybody's module, and anything can happen in its import
        raise ConfigError(
            f"the adapter for {kind!r} cannot be loaded: {error}",
            file=path,
            key=f"{key}.kind",
            hint="reinstall the package that brings it",
        ) from error
    if "default_country" in settings.__struct_fields__:
        table = {"default_country": site.default_country, **table}
    return convert(table, settings, path, key)


def _field(name: str, table: object, path: Path) -> FieldSettings:
    key = f"fields.{name}"
    settings = convert(table_of(table, path, key), FieldSettings, path, key)
    try:
        check_field(name, settings)
    except SettingError as error:
        raise setting_error(error, path, key) from error
    return settings


def _segment(name: str, table: object, fields: Mapping[str, FieldSettings], path: Path) -> SegmentSettings:
    key = f"segments.{name}"
    settings = convert(table_of(table, path, key), SegmentSettings, path, key)
    try:
        check_segment(name, settings, fields)
    except SettingError as error:
        raise setting_error(error, path, key) from error
    return settings


def deadline_rules(config: Config) -> Rules:
    """Raises SettingError."""
    channel_hours = {name: settings.hours for name, settings in config.channels.items()}
    teams = {name: team.channels for name, team in config.teams.items()}
    return read_rules(config.deadlines, config.hours, channel_hours, teams)


def silence_terms(config: Config) -> Terms:
    """Raises SettingError."""
    teams = {name: team.channels for name, team in config.teams.items()}
    terms = read_terms(config.silence, config.channels, teams, config.site.language)
    calendars = read_calendars(config.hours)
    hours = {name: one.hours for name, one in config.channels.items() if one.hours in calendars}
    chats = frozenset(
        name
        for name, settings in config.channels.items()
        if channel_class(settings.kind).spec.capabilities.medium == "chat"
    )
    propose_ms = config.queue.propose_minutes * 60_000
    return Terms(
        terms,
        {name: calendars[calendar] for name, calendar in hours.items()},
        chats,
        propose_ms,
        repr((terms, sorted(hours.items()), sorted(config.hours.items()), sorted(chats), propose_ms)),
    )


def make_channels(config: Config) -> dict[str, Channel]:
    """The enabled channels, not started. Raises ConfigError for the first that refuses its settings."""
    channels: dict[str, Channel] = {}
    calendars = read_calendars(config.hours)
    for name, settings in config.channels.items():
        if not settings.enabled:
            continue
        if getattr(settings, "default_country", None) == "":
            settings = msgspec.structs.replace(settings, default_country=config.site.default_country)
        if settings.hours in calendars:  # visitors read what the name stands for
            words = calendars[settings.hours].words(config.site.language)
            settings = msgspec.structs.replace(settings, hours=words)
        try:
            channels[name] = channel_class(settings.kind)(name, settings)
        except ChannelError as error:
            key = f"channels.{name}.{error.key}" if error.key else f"channels.{name}"
            raise ConfigError(str(error), file=config.config_path, key=key, hint=error.hint) from error
    return channels


# --- showing --------------------------------------------------------------------------------------


def show(config: Config) -> dict[str, Any]:
    """The effective configuration as plain data; of a secret only its reference and fingerprint."""
    return {
        "config_path": str(config.config_path or ""),
        "server": _plain(config.server),
        "public": _plain(config.public),
        "api": _plain(config.api),
        "site": _plain(config.site),
        "urgent": _plain(config.urgent),
        "outreach": _plain(config.outreach),
        "sending": _plain(config.sending),
        "channels": {name: _plain(settings) for name, settings in config.channels.items()},
        "teams": {name: _plain(settings) for name, settings in config.teams.items()},
        "queue": _plain(config.queue),
        "fields": {name: _plain(settings) for name, settings in config.fields.items()},
        "segments": {name: _plain(settings) for name, settings in config.segments.items()},
        "hours": {name: _plain(settings) for name, settings in config.hours.items()},
        "deadlines": [_plain(settings) for settings in config.deadlines],
        "silence": [_plain(settings) for settings in config.silence],
        "webhooks": [_plain(settings) for settings in config.webhooks],
    }


def _plain(value: object) -> Any:
    if isinstance(value, Secret):
        return f"{value.source} (fingerprint {value.fingerprint()})"
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
