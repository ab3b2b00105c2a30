"""omni.toml: what is read, what is refused, and how the refusal reads."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import msgspec
import pytest

from channels.base import ChannelSettings
from channels.registry import BUILT_IN, channel_class
from server import config, settings
from server.config import decode, load, make_channels
from server.people.card_settings import FieldSettings, SegmentSettings
from server.settings import Config
from server.tables import ConfigError
from server.webhooks.settings import EventWebhookSettings

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
HOOK = '[channels.forms]\nkind = "webhook"\nsecrets = ["env:OMNI_TEST_SECRET"]\n'
SECRET = "whsec_" + "c2VjcmV0" * 6


def refused(text: str, tmp_path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        decode(text.encode(), tmp_path / "omni.toml")
    assert caught.value.file == tmp_path / "omni.toml"
    return caught.value


def test_empty_file_is_a_configuration(tmp_path: Path) -> None:
    got = decode(b"", tmp_path / "omni.toml")
    assert got.channels == {}
    assert got.public.address == ("127.0.0.1", 8480)
    assert got.server.data_dir.is_absolute()
    assert got.config_path == tmp_path / "omni.toml"


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    got = decode(b'[server]\ndata_dir = "data"\nsocket = "run/omni.sock"', tmp_path / "omni.toml")
    assert got.server.data_dir == tmp_path / "data"
    assert got.server.socket == tmp_path / "run" / "omni.sock"


def test_socket_is_in_the_runtime_directory_or_with_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b'[server]\ndata_dir = "data"'
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert decode(text, tmp_path / "omni.toml").server.socket == Path("/run/user/1000/omni/omni.sock")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert decode(text, tmp_path / "omni.toml").server.socket == tmp_path / "data" / "omni.sock"


def test_a_system_service_has_its_files_where_debian_wants_them() -> None:
    got = decode(b"", Path("/etc/omni/omni.toml"))
    assert (got.server.data_dir, got.server.socket) == (Path("/var/lib/omni"), Path("/run/omni/omni.sock"))


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ('[server]\nlog_levl = "info"', "server.log_levl", "did you mean 'log_level'?"),
        ('[servr]\nlog_level = "info"', "servr", "did you mean 'server'?"),
        ("[public.limits]\nconections = 1", "public.limits.conections", "did you mean 'connections'?"),
        ("[site]\nzzz = 1", "site.zzz", "known: name, language, default_country, reopen_days"),
        ('[server]\nlog_level = "loud"', "server.log_level", "known: debug, error, info, warning"),
        ("[server]\ndata_dir = 3", "server.data_dir", ""),
        ("[public.limits]\nconnections = 0", "public.limits.connections", ""),
        ('[public]\nlisten = "::1:80"', "public.listen", ""),
        ('[public]\nlisten = "127.0.0.1:99999"', "public.listen", ""),
        ('[public]\ntrusted_proxies = ["10.0.0.0/99"]', "public.trusted_proxies", ""),
        ('[public]\nbase_url = "ftp://x"', "public.base_url", ""),
        ('[public]\nbase_url = "https://u:p@x"', "public.base_url", ""),
        ('[api]\nlisten = "8481"', "api.listen", ""),
        ('[api]\nlisten = "0.0.0.0:8481"', "api.listen", "api.tls_certificate"),
        ('[api]\nlisten = "[::]:8481"', "api.listen", "api.behind_proxy"),
        ('[api]\nlisten = "omni.example:8481"', "api.listen", "127.0.0.1"),
        ('[api]\ntls_certificate = "api.crt"', "api.tls_key", "belong together"),
        ('[api]\ntls_key = "api.key"', "api.tls_certificate", "belong together"),
        ('[api]\nlisten = "0.0.0.0:1"\nbehind_proxy = true', "api.trusted_proxies", "10.0.0.5"),
        ('[api]\ntrusted_proxies = ["proxy"]', "api.trusted_proxies", "10.0.0.5"),
        ("[api]\ntls_key = 3", "api.tls_key", ""),
        ('[site]\ndefault_country = "ru"', "site.default_country", ""),
        ("channels = 3", "channels", "write [channels]"),
        ('[channels.Shop]\nkind = "webhook"', "channels.Shop", ""),
        ('[channels.shop]\nkind = "pigeon"', "channels.shop.kind", "known kinds: email"),
        ("[channels.shop]\nsecrets = []", "channels.shop", 'write kind = "email"'),
        ('[channels.shop]\nkind = "webhook"\nsecret = "x"', "channels.shop.secret", "'secrets'"),
        ("x = = 3", "", ""),
    ],
)
def test_refusals_name_the_key_and_the_way_out(text: str, key: str, hint: str, tmp_path: Path) -> None:
    error = refused(text, tmp_path)
    assert error.key == key
    assert hint in error.hint
    assert str(tmp_path / "omni.toml") in str(error)


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_TEST_SECRET", SECRET)
    got = decode(HOOK.encode(), tmp_path / "omni.toml")
    assert msgspec.structs.asdict(got.channels["forms"])["secrets"][0].reveal() == SECRET


def test_a_secret_comes_from_a_file_next_to_the_configuration(tmp_path: Path) -> None:
    text = HOOK.replace("env:OMNI_TEST_SECRET", "file:hook.secret")
    error = refused(text, tmp_path)
    assert error.key == "channels.forms.secrets[0]"
    (tmp_path / "hook.secret").write_text(SECRET + "\n")
    (tmp_path / "hook.secret").chmod(0o604)
    assert "chmod 600" in refused(text, tmp_path).message
    (tmp_path / "hook.secret").chmod(0o600)
    assert "forms" in decode(text.encode(), tmp_path / "omni.toml").channels


@pytest.mark.parametrize("written", [SECRET, "env:", "env:OMNI_TEST_UNSET", "file:"])
def test_no_other_secret_is_taken(written: str, tmp_path: Path) -> None:
    error = refused(HOOK.replace("env:OMNI_TEST_SECRET", written), tmp_path)
    assert error.key == "channels.forms.secrets[0]"
    assert "env:NAME" in error.hint
    assert SECRET not in f"{error} {error.hint}"


def test_a_missing_secret_refuses_the_channel(tmp_path: Path) -> None:
    got = decode(b'[channels.forms]\nkind = "webhook"', tmp_path / "omni.toml")
    with pytest.raises(ConfigError) as caught:
        make_channels(got)
    assert caught.value.key == "channels.forms.secrets"


def test_a_disabled_channel_is_not_made(tmp_path: Path) -> None:
    got = decode(b'[channels.forms]\nkind = "webhook"\nenabled = false', tmp_path / "omni.toml")
    assert make_channels(got) == {}


def test_shown_secrets_show_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_TEST_SECRET", SECRET)
    got = decode(HOOK.encode(), tmp_path / "omni.toml")
    shown = msgspec.json.encode(config.show(got)).decode()
    assert "env:OMNI_TEST_SECRET (fingerprint " in shown
    assert SECRET not in shown
    assert SECRET not in repr(got)


def test_unreadable_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load(tmp_path)


def test_places_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    for place in (work, home / "omni"):
        place.mkdir(parents=True)
    monkeypatch.chdir(work)
    environ = {"XDG_CONFIG_HOME": str(home)}
    (home / "omni" / "omni.toml").touch()
    assert config.find_config(None, environ) == home / "omni" / "omni.toml"
    (work / "omni.toml").touch()
    assert config.find_config(None, environ) == work / "omni.toml"
    (tmp_path / "named.toml").touch()
    environ["OMNI_CONFIG"] = str(tmp_path / "named.toml")
    assert config.find_config(None, environ) == tmp_path / "named.toml"
    with pytest.raises(ConfigError, match="no such file"):
        config.find_config(tmp_path / "other.toml", environ)


def test_no_place_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "config_places", lambda environ: [tmp_path / "nowhere.toml"])
    with pytest.raises(ConfigError) as caught:
        config.find_config(None, {})
    assert "omni init" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8480", ("127.0.0.1", 8480)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_listen(text: str, address: tuple[str, int]) -> None:
    assert settings.parse_listen(text) == address


@pytest.mark.parametrize("text", ["", "8480", ":8480", "::1:80", "h:", "h:-1", "h:٣", "h:65536"])
def test_no_listen(text: str) -> None:
    with pytest.raises(ValueError, match="port"):
        settings.parse_listen(text)


# --- the example ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'listen = "127.0.0.1:8481"',
        'listen = "[::1]:8481"',
        'listen = "localhost:0"',
        'listen = "0.0.0.0:8481"\ntls_certificate = "a.crt"\ntls_key = "a.key"',
        'listen = "0.0.0.0:8481"\nbehind_proxy = true\ntrusted_proxies = ["10.0.0.5"]',
    ],
)
def test_where_the_operator_api_may_listen(text: str, tmp_path: Path) -> None:
    got = decode(f"[api]\n{text}".encode(), tmp_path / "omni.toml").api
    assert got.listen
    assert got.tls_key in (None, tmp_path / "a.key")


def test_the_operator_api_is_not_on_the_network_by_itself(tmp_path: Path) -> None:
    assert decode(b"", tmp_path / "omni.toml").api.listen == ""


def uncommented() -> str:
    return re.sub(r"^#(?=[\[a-z])", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("OMNI_FORMS_SECRET", SECRET)
    monkeypatch.setenv("OMNI_CRM_SECRET", SECRET)
    monkeypatch.setenv("OMNI_CHAT_SECRET", "s" * 64)
    for name, secret in (("TOKEN", "7001:bot"), ("SECRET", "s" * 64), ("PROXY", "user:password")):
        monkeypatch.setenv(f"OMNI_TELEGRAM_{name}", secret)
    (tmp_path / "support.password").write_text("hunter2")
    (tmp_path / "support.password").chmod(0o600)
    return decode(uncommented().encode(), tmp_path / "omni.toml")


def test_the_example_as_it_is_holds_only_defaults(tmp_path: Path) -> None:
    got = decode(EXAMPLE.read_bytes(), tmp_path / "omni.toml")
    assert got == decode(b"", tmp_path / "omni.toml")


def test_the_example_uncommented_is_a_configuration_with_every_kind(example: Config) -> None:
    assert {settings.kind for settings in example.channels.values()} == set(BUILT_IN)
    assert set(make_channels(example)) == set(example.channels)


def test_defaults_in_the_example_are_the_defaults(example: Config, tmp_path: Path) -> None:
    bare = decode(b"", tmp_path / "omni.toml")
    example.public.base_url = ""  # the one example among them
    assert example.public == bare.public
    example.api.tls_certificate = example.api.tls_key = None  # examples of how to listen, too
    example.api.trusted_proxies, example.api.listen = (), ""
    assert example.api == bare.api
    assert example.site == bare.site
    [webhook] = example.webhooks
    assert webhook == EventWebhookSettings(
        url=webhook.url, secret=webhook.secret, previous_secret=webhook.previous_secret, name=webhook.name
    )
    example.server.data_dir, example.server.socket = bare.server.data_dir, bare.server.socket
    example.server.parse_worker = None  # an example of where it may listen
    assert example.server == bare.server


def structs(kind: object) -> set[type[msgspec.Struct]]:
    """The struct and those that its fields hold."""
    found: set[type[msgspec.Struct]] = set()
    if typing.get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found.add(kind)
        for hint in typing.get_type_hints(kind).values():
            found |= structs(hint)
    for argument in typing.get_args(kind):
        found |= structs(argument)
    return found


@pytest.mark.parametrize("kind", [None, *BUILT_IN])
def test_the_example_mentions_every_key(kind: str | None) -> None:
    roots: list[type[msgspec.Struct]] = (
        [channel_class(kind).spec.settings]
        if kind
        else [
            settings.ServerSettings,
            settings.PublicSettings,
            settings.ApiSettings,
            settings.SiteSettings,
            FieldSettings,
            SegmentSettings,
            ChannelSettings,
            EventWebhookSettings,
        ]
    )
    mentioned = set(re.findall(r"\b([a-z_]+) =", uncommented()))
    mentioned |= set(re.findall(r"^\[+(?:\w+\.)*(\w+)\]", uncommented(), re.MULTILINE))
    for root in roots:
        for struct in structs(root):
            missing = set(struct.__struct_encode_fields__) - mentioned
            assert not missing, f"{struct.__name__}: {missing}"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ('[[silence]]\nannounce_after = "soon"', "silence[0].announce_after"),
        ("[[silence]]", "silence[0].announce_after"),
        ('[[silence]]\nannounce_after = "72h"\nchanel = "chat"', "silence[0].chanel"),
        ('[[silence]]\nannounce_after = "72h"\nchannel = "fax"', "silence[0].channel"),
        ('[silence]\nannounce_after = "72h"', "silence"),
        (
            '[channels.forms]\nkind = "webhook"\nsecrets = ["env:OMNI_TEST"]\nhours = "Mon-Fri"\n'
            'out_of_hours = "default"',
            "channels.forms.out_of_hours",
        ),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(wrong: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_TEST", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    with pytest.raises(ConfigError) as refused:
        decode(wrong.encode(), Path("/etc/omni/omni.toml"))
    assert refused.value.key == key
