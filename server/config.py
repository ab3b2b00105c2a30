"""omni.toml → typed settings.

A configuration with a misspelt key, a secret written into it, or a value out of range is refused with the
file, the key and what to write instead: `ConfigError`.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import platformdirs
from msgspec.inspect import (
    AnyType,
    CollectionType,
    DictType,
    LiteralType,
    NoneType,
    StructType,
    Type,
    UnionType,
)

from channels.base import Channel, ChannelError, ChannelSettings
from channels.registry import channel_class
from channels.secret import Secret, SecretError
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
from server.queue.team_settings import QueueSettings, TeamSettings, check_teams
from server.settings import (
    ApiSettings,
    Config,
    OutreachSettings,
    PublicSettings,
    SendingSettings,
    ServerSettings,
    SiteSettings,
    UrgentSettings,
    parse_listen,
)

T = TypeVar("T", bound=msgspec.Struct)

CHANNEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class ConfigError(Exception):
    """What is wrong (`message`), where (`file`, `key`), and what to do (`hint`)."""

    def __init__(self, message: str, *, file: Path | None = None, key: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.key = key
        self.hint = hint

    def __str__(self) -> str:
        place = ": ".join(part for part in (str(self.file or ""), self.key) if part)
        return f"{place}: {self.message}" if place else self.message


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


def is_loopback(host: str) -> bool:
    """Does the address lead to this host and nowhere else?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    site = _convert(tables["site"], SiteSettings, path, "site")
    config = Config(
        server=_server(tables, path),
        public=_convert(tables["public"], PublicSettings, path, "public"),
        api=_convert(tables["api"], ApiSettings, path, "api"),
        site=site,
        urgent=_convert(tables["urgent"], UrgentSettings, path, "urgent"),
        outreach=_convert(tables["outreach"], OutreachSettings, path, "outreach"),
        sending=_convert(tables["sending"], SendingSettings, path, "sending"),
        channels={name: _channel(name, table, site, path) for name, table in tables["channels"].items()},
        fields={name: _field(name, table, path) for name, table in tables["fields"].items()},
        teams={
            name: _convert(_table(table, path, f"teams.{name}"), TeamSettings, path, f"teams.{name}")
            for name, table in tables["teams"].items()
        },
        queue=_convert(tables["queue"], QueueSettings, path, "queue"),
        hours={
            name: _convert(_table(table, path, f"hours.{name}"), HoursSettings, path, f"hours.{name}")
            for name, table in tables["hours"].items()
        },
        deadlines=_listed(tables["deadlines"], DeadlineSettings, path, "deadlines"),
        silence=_listed(tables["silence"], SilenceSettings, path, "silence"),
        config_path=path,
    )
    _check_teams(config, path)
    config.segments = {
        name: _segment(name, table, config.fields, path) for name, table in tables["segments"].items()
    }
    try:
        deadline_rules(config)
        silence_terms(config)
        _check_out_of_hours(config)
    except SettingError as error:
        raise ConfigError(str(error), file=path, key=error.key, hint=error.hint) from error
    _check_public(config.public, path)
    _check_api(config.api, path)
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
    ]
    for name in raw:
        if name not in known:
            raise ConfigError("unknown table or key", file=path, key=name, hint=_nearest(name, known))
    tables: dict[str, dict[str, Any]] = {}
    for name in ("deadlines", "silence"):
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
    return _convert(tables["server"], ServerSettings, path, "server")


def _fill_places(server: dict[str, Any], path: Path) -> None:
    data_dir = server.setdefault("data_dir", str(default_data_dir(path)))
    if isinstance(data_dir, str):
        server.setdefault("socket", str(default_socket(path, path.parent / Path(data_dir).expanduser())))
    else:
        server.setdefault("socket", "omni.sock")


def _check_public(public: PublicSettings, path: Path) -> None:
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


def _check_api(api: ApiSettings, path: Path) -> None:
    """A token in clear text stays on this host, or the server does not start."""
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
    return _convert(table, settings, path, key)


def _field(name: str, table: object, path: Path) -> FieldSettings:
    key = f"fields.{name}"
    settings = _convert(_table(table, path, key), FieldSettings, path, key)
    try:
        check_field(name, settings)
    except SettingError as error:
        raise _setting_error(error, path, key) from error
    return settings


def _segment(name: str, table: object, fields: Mapping[str, FieldSettings], path: Path) -> SegmentSettings:
    key = f"segments.{name}"
    settings = _convert(_table(table, path, key), SegmentSettings, path, key)
    try:
        check_segment(name, settings, fields)
    except SettingError as error:
        raise _setting_error(error, path, key) from error
    return settings


def _check_teams(config: Config, path: Path) -> None:
    media = {
        name: channel_class(settings.kind).spec.capabilities.medium
        for name, settings in config.channels.items()
    }
    owners = {name: settings.owner for name, settings in config.channels.items()}
    try:
        check_teams(config.teams, media, owners)
    except SettingError as error:
        raise _setting_error(error, path, "teams") from error


def _check_out_of_hours(config: Config) -> None:
    """Raises SettingError."""
    for name, settings in config.channels.items():
        if settings.out_of_hours and settings.hours not in config.hours:
            raise SettingError(
                "nobody knows when it is open",
                key=f"channels.{name}.out_of_hours",
                hint='write [hours.office] and hours = "office"',
            )


def _table(table: object, path: Path, key: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigError("must be a table", file=path, key=key, hint=f"write [{key}]")
    return table


def _setting_error(error: SettingError, path: Path, key: str) -> ConfigError:
    return ConfigError(str(error), file=path, key=f"{key}.{error.key}" if error.key else key, hint=error.hint)


def _listed(tables: dict[Any, Any], kind: type[T], path: Path, key: str) -> tuple[T, ...]:
    """Tables of one kind, by their place in the file."""
    return tuple(
        _convert(_table(table, path, f"{key}[{number}]"), kind, path, f"{key}[{number}]")
        for number, table in tables.items()
    )


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


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<where>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>.*)`$", re.DOTALL)


def _convert(table: dict[str, Any], kind: type[T], path: Path, key: str) -> T:
    base = path.parent

    def hook(wanted: type, value: object) -> object:
        if wanted is Secret:
            if not isinstance(value, str):
                raise SecretError("a secret must be written as env:NAME or file:PATH, never as itself")
            return Secret.from_reference(value, base)
        if wanted is Path:
            if not isinstance(value, str) or not value:
                raise ValueError("expected the path of a file or directory")
            return base / Path(value).expanduser()
        raise NotImplementedError(f"settings of type {wanted!r} cannot be read from TOML")

    try:
        return msgspec.convert(table, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise _explain(error, kind, path, key) from error
    except ChannelError as error:
        raise ConfigError(
            str(error), file=path, key=f"{key}.{error.key}" if error.key else key, hint=error.hint
        ) from error


def _explain(error: msgspec.ValidationError, kind: type[msgspec.Struct], path: Path, key: str) -> ConfigError:
    found = _AT.match(str(error))
    what, where = (found["what"], found["where"] or "") if found else (str(error), "")
    place = key + where
    at = _type_at(kind, where)
    if unknown := _UNKNOWN.match(what):
        known = [field.encode_name for field in at.fields] if isinstance(at, StructType) else []
        field = unknown["field"]
        return ConfigError("unknown key", file=path, key=f"{place}.{field}", hint=_nearest(field, known))
    if missing := _MISSING.match(what):
        return ConfigError(
            "is missing", file=path, key=f"{place}.{missing['field']}", hint="it has no default"
        )
    hint = ""
    if isinstance(error.__cause__, SecretError):
        hint = "put the secret into the environment (env:NAME) or a file of mode 0600 (file:PATH)"
    elif isinstance(at, LiteralType):
        hint = "known: " + ", ".join(str(value) for value in at.values)
    return ConfigError(what[:1].lower() + what[1:], file=path, key=place, hint=hint)


def _type_at(kind: type[msgspec.Struct], where: str) -> Type:
    """The type at `where` (`.limits`, `.inboxes[0]`) below `kind`, as msgspec names places."""
    here: Type = msgspec.inspect.type_info(kind)
    for step in re.findall(r"\.([^.\[]+)|\[[^\]]*\]", where):
        if isinstance(here, UnionType):
            here = next((one for one in here.types if not isinstance(one, NoneType)), here)
        if step and isinstance(here, StructType):
            here = next((field.type for field in here.fields if field.encode_name == step), AnyType())
        elif isinstance(here, DictType):
            here = here.value_type
        elif isinstance(here, CollectionType):
            here = here.item_type
    return here


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if known else ""


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
        "channels": {name: _plain(settings) for name, settings in config.channels.items()},
        "teams": {name: _plain(settings) for name, settings in config.teams.items()},
        "queue": _plain(config.queue),
        "fields": {name: _plain(settings) for name, settings in config.fields.items()},
        "segments": {name: _plain(settings) for name, settings in config.segments.items()},
        "hours": {name: _plain(settings) for name, settings in config.hours.items()},
        "deadlines": [_plain(settings) for settings in config.deadlines],
        "silence": [_plain(settings) for settings in config.silence],
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
