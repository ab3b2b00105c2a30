"""What the commands decide without a server: errors, tables, findings, a new configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from omni_console.cli import run
from omni_console.commands import host_checks, service_checks
from omni_console.commands.api import Api, not_connected, refusal
from omni_console.commands.errors import Code, CommandError, explain, plain, understand
from omni_console.commands.options import Options, socket_places
from omni_console.commands.output import moment, print_table, width
from omni_console.commands.reach import Server
from omni_console.commands.template import Answers, example, fill, quoted, render
from server.config import decode
from server.lock import DataLockedError
from server.settings import PublicSettings, ServerSettings
from server.tables import ConfigError


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(data_dir=tmp_path, socket=tmp_path / "omni.sock")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("x", code=Code.AWAY), 3),
        (ConfigError("x", file=Path("omni.toml"), key="a.b", hint="do"), 2),
        (DataLockedError(Path("/data"), 7), 1),
        (PermissionError(13, "Permission denied", "/x"), 4),
        (FileNotFoundError(2, "No such file or directory", "/x"), 1),
        (click.BadParameter("x"), 2),
        (KeyError("x"), 70),
    ],
)
def test_exit_codes(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(error) == code
    said = capsys.readouterr().err
    assert ("Traceback" in said or "KeyError" in said) == (code == 70)


def test_a_socket_that_does_not_let_us_in_is_not_an_absent_server() -> None:
    path = Path("/run/omni/omni.sock")
    assert not_connected(path, PermissionError(13, "Permission denied")).code == Code.REFUSED
    assert not_connected(path, FileNotFoundError(2, "No such file")).code == Code.AWAY
    assert not_connected(path, ConnectionRefusedError(111, "refused")).code == Code.AWAY


def test_line_mode_says_so_too(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    was = os.geteuid()
    if was == 0:  # whom no mode keeps out
        os.seteuid(65_534)
    try:
        with pytest.raises(CommandError, match="may not use the server's socket") as caught:
            Server(str(closed / "omni.sock")).run(lambda client: client.hello())
    finally:
        os.seteuid(was)
        closed.chmod(0o700)
    assert caught.value.code == Code.REFUSED


def test_hostile_text_cannot_speak_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "a\x1b]52;c;evil\x07\u202eb\nc\x9b"
    assert plain(nasty).isprintable()
    explain(CommandError(nasty, where=nasty, hint=nasty))
    print_table(("A",), [(nasty,)])
    captured = capsys.readouterr()
    assert all(line.isprintable() for line in (captured.out + captured.err).splitlines())


def test_columns_of_wide_and_combined_letters_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "X"), [("日本", "1"), ("Ольга", "2"), ("e\u0301", "3")])
    lines = capsys.readouterr().out.splitlines()
    assert {width(line) for line in lines} == {8}


def test_moment_of_nothing() -> None:
    assert moment(None) == "-"
    assert moment(0).startswith(("1970", "1969"))


def test_socket_is_the_one_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "omni.toml").write_text('[server]\nsocket = "own.sock"\n[channels.x]\nkind = "email"\n')
    monkeypatch.chdir(tmp_path)
    for name in ("OMNI_CONFIG", "OMNI_SOCKET", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert Options().socket_path() == tmp_path / "own.sock"  # secrets of channels are not needed for it
    monkeypatch.setenv("OMNI_SOCKET", str(tmp_path / "env.sock"))
    assert Options().socket_path() == tmp_path / "env.sock"
    assert Options(socket=Path("given.sock")).socket_path() == tmp_path / "given.sock"
    monkeypatch.delenv("OMNI_SOCKET")
    (tmp_path / "omni.toml").unlink()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert socket_places()[0] == tmp_path / "omni" / "omni.sock"
    with pytest.raises(ConfigError):
        Options(config=tmp_path / "missing.toml").socket_path()


def test_an_answer_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    api = Api(tmp_path / "omni.sock")
    with pytest.raises(CommandError, match="cannot be read"):
        api._decode(b"<html>", int)
    assert "is this the socket" in refusal(api.socket, 500, b"<html>").hint
    said = b'{"error": {"code": "forbidden", "message": "not you"}}'
    assert refusal(api.socket, 403, said).code == Code.REFUSED


# --- a new configuration ------------------------------------------------------------------------------


def test_answers_end_up_where_they_belong(tmp_path: Path) -> None:
    answers = Answers(
        site='A "B" \\ С',
        country="DE",
        language="ru",
        data_dir="d",
        socket="s",
        group="",
        base_url="https://x",
    )
    text = render(example(), answers)
    got = decode(text.encode(), tmp_path / "omni.toml")
    assert (got.site.name, got.site.default_country, got.site.language) == ('A "B" \\ С', "DE", "ru")
    assert got.server.data_dir == tmp_path / "d"
    assert got.public.base_url == "https://x"
    assert [line for line in text.splitlines() if line.startswith("name = ")] != []


@pytest.mark.parametrize("value", ["", "a\nb", "\x00\x1f\x7f", '"""', "\\", "#", "ы"])
def test_quoting_is_read_back(value: str, tmp_path: Path) -> None:
    got = decode(f"[site]\nname = {quoted(value)}".encode(), tmp_path / "omni.toml")
    assert got.site.name == value


def test_a_key_that_the_example_lacks_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no zzz"):
        fill(example(), "site", "zzz", "x")


# --- findings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("have", "state"),
    [("3.39.5", "broken"), ("3.40.1", "warning"), ("3.51.2", "warning"), ("3.51.3", "ok"), ("3.100.0", "ok")],
)
def test_sqlite_versions(have: str, state: str) -> None:
    assert host_checks.sqlite(have).state == state


def test_a_clock_that_was_never_set(settings: ServerSettings) -> None:
    assert host_checks.clock(settings, 0).state == "broken"
    (settings.data_dir / "omni.sqlite3").touch()
    now = (settings.data_dir / "omni.sqlite3").stat().st_mtime
    assert host_checks.clock(settings, now).state == "ok"
    assert host_checks.clock(settings, now - 3600).state == "broken"


def test_disk_near_its_reserve(settings: ServerSettings) -> None:
    settings.disk_reserve_mb = 0
    assert host_checks.disk(settings).state == "ok"
    settings.disk_reserve_mb = 1 << 40
    assert host_checks.disk(settings).state == "broken"


def test_modes_of_the_data(settings: ServerSettings) -> None:
    settings.data_dir.chmod(0o755)
    (settings.data_dir / "omni.sqlite3").touch(0o644)
    (settings.data_dir / "omni.sqlite3").chmod(0o644)
    assert [finding.state for finding in host_checks.data(settings)] == ["warning", "warning"]
    settings.data_dir.chmod(0o700)
    (settings.data_dir / "omni.sqlite3").chmod(0o600)
    assert [finding.state for finding in host_checks.data(settings)] == ["ok", "ok"]
    settings.data_dir = settings.data_dir / "missing"
    assert [finding.state for finding in host_checks.data(settings)] == ["broken"]


@pytest.mark.parametrize(
    ("public", "states"),
    [
        (PublicSettings(listen="127.0.0.1:0"), ["ok", "ok"]),
        (PublicSettings(listen="0.0.0.0:0", base_url="https://x.example"), ["warning", "ok"]),
        (PublicSettings(listen="127.0.0.1:0", base_url="http://x.example"), ["ok", "warning"]),
        (PublicSettings(listen="192.0.2.1:1"), ["broken"]),
        (PublicSettings(enabled=False), ["ok"]),
    ],
)
def test_public_addresses(public: PublicSettings, states: list[str]) -> None:
    assert [finding.state for finding in service_checks.public(public, [], running=False)] == states


def test_who_cannot_be_understood_is_a_bug() -> None:
    assert understand(RuntimeError("x")) is None
    assert os.EX_SOFTWARE == Code.BUG


def test_the_matrix_of_channels_says_yes_or_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["channels", "--matrix", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert set(table) >= {"email", "webchat", "telegram", "webhook"}
    assert table["email"]["several recipients"] == "yes"
    assert table["telegram"]["write first"] == "no: the customer must have written before"
    assert {action for can in table.values() for action in can} == set(table["email"])
    assert all(word and word != "no" for can in table.values() for word in can.values())
    assert run(["channels", "--matrix"]) == 0
    assert "TELEGRAM" in capsys.readouterr().out
