"""`omni operators token` and `omni console --url`, as their users call them."""

from __future__ import annotations

import asyncio
import fcntl
import http.client
import json
import logging
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from omni_console.cli import run as omni_run
from server.settings import ApiSettings
from tests.fakes.distant import Distant, new_token
from tests.fakes.running_server import running_server, until

ROOT = Path(__file__).parents[2]
HIDDEN = {"OMNI_CONFIG", "OMNI_SOCKET", "XDG_RUNTIME_DIR", "SUDO_UID", "SSL_CERT_FILE"}
ENVIRON = {name: value for name, value in os.environ.items() if name not in HIDDEN} | {
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "ignore",
}


class Place:
    """An installation without a server, and the commands that work on it in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "omni.toml"
        self._capsys = capsys

    def omni(self, *arguments: str) -> tuple[int, str, str]:
        code = omni_run(["--config", str(self.config), *arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def data(self, *arguments: str) -> Any:
        code, out, err = self.omni(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """The commands set up the logs of their process, which is this one."""
    configured, before = structlog.is_configured(), structlog.get_config()
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    structlog.configure(**before)
    if not configured:
        structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, logs_as_before: None
) -> Iterator[Place]:
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)

    def opened(*arguments: object, **more: object) -> int:
        raise AssertionError("the console opened")

    monkeypatch.setattr("omni_console.app.run_console", opened)
    with tempfile.TemporaryDirectory(prefix="omni-") as made:  # short, for the socket's sake
        found = Place(Path(made), capsys)
        assert omni_run(["init", "--yes", "--dir", made, "--site", "Shop"]) == 0
        assert found.omni("operators", "add", "olga", "--uid", "4711")[0] == 0
        yield found


def serving(place: Place) -> subprocess.Popen[bytes]:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [sys.executable, "-m", "omni_console", "--config", place.config, "serve", "--ready-fd", str(writing)],
        cwd=place.folder,
        env=ENVIRON,
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with open(reading) as ready:
        assert ready.readline().startswith("http://127.0.0.1:")
    return server


def tokens_are_made_listed_and_revoked(place: Place) -> None:
    code, out, err = place.omni("operators", "token", "olga", "--name", "a bot", "--scope", "read")
    assert code == 0, err
    token = out.strip()
    assert token.startswith("omni_")
    assert token not in err
    assert "not shown again" in err
    made = place.data("operators", "token", "olga", "--expires", "never")
    assert (made["info"]["expires_at"], made["info"]["scope"]) == (None, "write")
    first, second = int(token.split("_")[1]), made["info"]["id"]
    listed = {one["id"]: one for one in place.data("operators", "tokens", "olga")}
    assert {first, second} <= set(listed)
    assert listed[first]["expires_at"] - listed[first]["created_at"] == 90 * 86_400_000
    table = place.omni("operators", "tokens")[1]
    assert "a bot" in table
    assert "never" in table
    assert token.rpartition("_")[2] not in table
    assert place.omni("operators", "revoke", str(first))[0] == 0
    assert place.omni("operators", "revoke", str(first))[0] == 1
    assert [one["id"] for one in place.data("operators", "tokens") if one["id"] >= first] == [second]
    assert place.omni("operators", "token", "nobody")[0] == 1
    assert place.omni("operators", "tokens", "nobody")[0] == 1


def test_without_a_server(place: Place) -> None:
    tokens_are_made_listed_and_revoked(place)
    assert place.omni("operators", "disable", "olga")[0] == 0
    code, _, err = place.omni("operators", "token", "olga")
    assert (code, "disabled" in err) == (1, True)


@pytest.mark.parametrize(
    "wrong",
    [
        ("token", "Olga!"),
        ("token", "olga", "--scope", "all"),
        ("token", "olga", "--expires", "soon"),
        ("token", "olga", "--expires", "0d"),
        ("token", "olga", "--expires", "-1d"),
        ("tokens", "Olga!"),
        ("revoke", "x"),
        ("revoke", "0"),
    ],
)
def test_wrong_usage(wrong: tuple[str, ...], place: Place) -> None:
    assert place.omni("operators", *wrong)[0] == 2


def test_with_a_running_server(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = place.config.read_text().replace("#listen = ", "listen = ")
    text = text.replace("127.0.0.1:8480", "127.0.0.1:0").replace("127.0.0.1:8481", f"127.0.0.1:{port}")
    if "[api]" not in text:
        text += f'\n[api]\nlisten = "127.0.0.1:{port}"\n'
    place.config.write_text(text)
    server = serving(place)
    try:
        tokens_are_made_listed_and_revoked(place)
        token = place.omni("operators", "token", "olga")[1].strip()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/v1/hello", headers={"Authorization": f"Bearer {token}"})
        assert json.loads(connection.getresponse().read())["operator"]["login"] == "olga"
        connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


# --- the console ----------------------------------------------------------------------------------------


def kept(folder: Path, token: str) -> Path:
    path = folder / "token"
    path.write_text(f"{token}\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("http://omni.example:8481", 2, "clear text"),
        ("omni.example:8481", 2, "not the address"),
        ("https://user:word@omni.example", 2, "not the address"),
        ("https://omni.example/v1", 2, "not the address"),
        ("https://omni.example:x", 2, "not the address"),
        ("https://[::1", 2, "not the address"),
    ],
)
def test_addresses_that_are_none(url: str, code: int, said: str, place: Place) -> None:
    path = kept(place.folder, "omni_1_" + "0" * 64)
    got = place.omni("console", "--url", url, "--token-file", str(path))
    assert (got[0], said in got[2]) == (code, True), got


def test_token_files_that_are_none(place: Place) -> None:
    path = kept(place.folder, "omni_1_" + "0" * 64)
    url = ("console", "--url", "http://127.0.0.1:9", "--token-file")
    path.chmod(0o644)
    assert "open to others" in place.omni(*url, str(path))[2]
    path.chmod(0o600)
    for text in ("hunter2", "", "omni_1_a omni_2_b"):
        path.write_text(text)
        code, _, err = place.omni(*url, str(path))
        assert (code, str(path) in err) == (2, True), (text, err)
    assert place.omni(*url, str(place.folder / "nothing"))[0] == 2
    assert place.omni("console", "--url", "http://127.0.0.1:9")[0] == 2
    assert place.omni("console", "--token-file", str(path))[0] == 2
    both = place.omni("console", "--socket", "omni.sock", "--url", "http://127.0.0.1:9", "--token-file", "x")
    assert both[0] == 2


async def _omni(*arguments: str, **more: str) -> tuple[int, str]:
    done = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "omni_console",
        *arguments,
        env=ENVIRON | more,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(done.communicate(), 60)
    return done.returncode or 0, err.decode()


async def test_a_console_that_is_refused_says_so_and_does_not_open(tmp_path: Path) -> None:
    async with running_server(api=ApiSettings(listen="127.0.0.1:0")) as run:
        made = await new_token(run)
        path = kept(tmp_path, made.token[:-4] + "0000")
        code, err = await _omni("console", "--url", Distant(run).url, "--token-file", str(path))
        assert code == 4
        assert "ask for a new one" in err
        assert made.token[:-4] not in err
    cert, key = (ROOT / "tests" / "fakes" / f"loopback-{name}.pem" for name in ("cert", "key"))
    private = tmp_path / "key.pem"
    private.write_bytes(key.read_bytes())
    private.chmod(0o600)
    tls = ApiSettings(listen="127.0.0.1:0", tls_certificate=cert, tls_key=private)
    async with running_server(api=tls) as run:
        code, err = await _omni("console", "--url", Distant(run).url, "--token-file", str(path))
        assert (code, "SSL_CERT_FILE" in err) == (4, True), err
        # With the authority named it is the token that is refused.
        arguments = ("console", "--url", Distant(run).url, "--token-file", str(path))
        code, err = await _omni(*arguments, SSL_CERT_FILE=str(cert))
        assert (code, "ask for a new one" in err) == (4, True), err


async def test_a_console_from_afar_opens(tmp_path: Path) -> None:
    async with running_server(api=ApiSettings(listen="127.0.0.1:0")) as run:
        made = await new_token(run)
        path = kept(tmp_path, made.token)
        mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        arguments = ["console", "--url", Distant(run).url, "--token-file", str(path), "--lang", "en"]
        shown: list[bytes] = []
        loop = asyncio.get_running_loop()
        loop.add_reader(mine, lambda: shown.append(os.read(mine, 65536)))
        console = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "omni_console",
            *arguments,
            env=ENVIRON | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        try:
            await until(lambda: run.server.hub.is_online(1), 30)
            commandline = Path(f"/proc/{console.pid}/cmdline").read_bytes()
            environment = Path(f"/proc/{console.pid}/environ").read_bytes()
            secret = made.token.rpartition("_")[2].encode()
            assert secret not in commandline + environment
            await run.hook("Здравствуйте, это издалека")
            await until(lambda: "издалека" in b"".join(shown).decode(errors="replace"), 30)
        finally:
            loop.remove_reader(mine)
            console.kill()
            await console.wait()
            os.close(mine)
            os.close(theirs)
