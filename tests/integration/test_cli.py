"""The `omni` command as its users call it: real processes, real files, a real server."""

from __future__ import annotations

import json
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omni_console.cli import COMMANDS

ROOT = Path(__file__).parents[2]
ME = pwd.getpwuid(os.getuid()).pw_name


class Home:
    """A directory to work in, and an environment that knows of no other installation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "omni.toml"
        hidden = {"OMNI_CONFIG", "OMNI_SOCKET", "XDG_RUNTIME_DIR", "SUDO_UID"}
        self.environ = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environ |= {
            "HOME": str(path / "home"),
            "XDG_CONFIG_HOME": str(path / "home" / "config"),
            "XDG_DATA_HOME": str(path / "home" / "data"),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "OMNI_TEST_SECRET": "whsec_" + "c2VjcmV0" * 6,
        }

    def omni(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "omni_console", *arguments],
            cwd=self.path,
            env=self.environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def data(self, *arguments: str) -> Any:
        done = self.omni(*arguments, "--json")
        return json.loads(done.stdout)


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:  # short, for the socket's sake
        yield Home(Path(made))


@pytest.fixture
def installed(home: Home) -> Home:
    done = home.omni("init", "--yes", "--dir", ".", "--site", "Shop")
    assert (done.returncode, done.stderr) == (0, "")
    text = home.config.read_text().replace("#listen = ", "listen = ").replace("127.0.0.1:8480", "127.0.0.1:0")
    text += '\n[channels.forms]\nkind = "webhook"\nsecrets = ["env:OMNI_TEST_SECRET"]\n'
    home.config.write_text(text)
    return home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_help_imports_none_of_what_is_heavy() -> None:
    program = (
        "import sys\n"
        "from omni_console.cli import run\n"
        "code = run(['--help'])\n"
        "heavy = {'textual', 'rich', 'aiohttp', 'msgspec', 'server', 'channels', 'structlog', 'asyncio'}\n"
        "print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "0 []\n"
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, home: Home) -> None:
    done = home.omni(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "--config" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["consol"], 2, "No such command"),
        (["doctor", "--jsn"], 2, "--json"),
        (["config", "show"], 2, "omni init writes one"),
        (["--config", "missing.toml", "config", "show"], 2, "missing.toml"),
        (["config", "show", "--config", "missing.toml"], 2, "missing.toml"),
        (["channels"], 3, "omni serve"),
        (["--socket", "none.sock", "channels"], 3, "none.sock"),
        (["--socket", "none.sock", "operators", "list"], 3, "none.sock"),
        (["init", "--yes", "--dir", ".", "--email", "a@b.example"], 2, "--email-password"),
        (["init", "--yes", "--dir", ".", "--email-password", "hunter2"], 2, "file:PATH"),
    ],
)
def test_what_is_wrong_and_what_to_do(arguments: list[str], code: int, said: str, home: Home) -> None:
    done = home.omni(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(home.path.iterdir()) == []


def test_a_wrong_configuration_is_shown_with_file_key_and_way_out(installed: Home) -> None:
    installed.config.write_text("[public]\nlisten_on = 3\n")
    done = installed.omni("config", "show")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "omni: unknown key",
        f"  where: {installed.config}: public.listen_on",
        "  to do: did you mean 'listen'?",
    ]


# --- init -------------------------------------------------------------------------------------------


def test_init_makes_everything_for_its_user_alone(home: Home) -> None:
    done = home.omni(
        "init", "--yes", "--dir", "shop", "--site", 'Лавка "У моря"', "--language", "ru", "--country", "de",
        "--chat-origin", "https://shop.example",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shop = home.path / "shop"
    assert (mode(shop), mode(shop / "omni.toml"), mode(shop / "data")) == (0o700, 0o600, 0o700)
    assert mode(shop / "data" / "omni.sqlite3") == 0o600
    shown = home.data("--config", "shop/omni.toml", "config", "show")
    wanted = {"name": 'Лавка "У моря"', "language": "ru", "default_country": "DE", "reopen_days": 7}
    assert {key: shown["site"][key] for key in wanted} == wanted
    assert shown["channels"]["chat"]["origins"] == ["https://shop.example"]
    assert shown["channels"]["chat"]["default_country"] == "DE"
    assert shown["server"]["socket"] == str(shop / "data" / "omni.sock")
    [admin] = home.data("--config", "shop/omni.toml", "operators", "list")
    assert (admin["role"], admin["uid"]) == ("admin", os.getuid())
    assert "# How the world reaches this server" in (shop / "omni.toml").read_text()


def test_init_overwrites_nothing(installed: Home) -> None:
    before = installed.config.read_bytes()
    done = installed.omni("init", "--yes", "--dir", ".")
    assert (done.returncode, installed.config.read_bytes()) == (1, before)
    installed.config.unlink()
    done = installed.omni("init", "--yes", "--dir", ".")
    assert done.returncode == 1
    assert "database already" in done.stderr
    assert (installed.path / "data" / "omni.sqlite3").exists()


def test_init_that_fails_leaves_nothing_behind(home: Home) -> None:
    done = home.omni("init", "--yes", "--dir", "shop", "--chat-origin", "https://*.example")
    assert done.returncode == 2
    assert "origins" in done.stderr
    assert list(home.path.iterdir()) == []


def test_init_asks(home: Home) -> None:
    home.environ["OMNI_TEST_SECRET"] = "geheim"
    done = home.omni(
        "init", "--dir", "shop", "--no-mail-test", "--email-password", "env:OMNI_TEST_SECRET",
        typed="My shop\nru\nDE\nhelp@shop.example\n\nmx.shop.example\n\n",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = home.data("--config", "shop/omni.toml", "config", "show")
    assert shown["site"]["name"] == "My shop"
    mailbox = shown["channels"]["support"]
    assert (mailbox["imap"]["host"], mailbox["smtp"]["host"]) == ("imap.shop.example", "mx.shop.example")
    assert mailbox["password"].startswith("env:OMNI_TEST_SECRET (fingerprint ")
    assert "geheim" not in json.dumps(shown)


# --- operators --------------------------------------------------------------------------------------


def test_operators_without_a_server(installed: Home) -> None:
    assert installed.omni("operators", "add", "olga", "--uid", "4711", "--name", "Ольга").returncode == 0
    again = installed.omni("operators", "add", "olga", "--uid", "4712")
    assert (again.returncode, "already" in again.stderr) == (1, True)
    nobody = installed.omni("operators", "add", "no-such-account")
    assert (nobody.returncode, "--uid" in nobody.stderr) == (2, True)
    assert installed.omni("operators", "add", "Olga!", "--uid", "1").returncode == 2
    assert installed.omni("operators", "disable", "ivan").returncode == 1
    assert installed.omni("operators", "disable", "olga").returncode == 0
    [again_in] = installed.data("operators", "enable", "olga")
    assert (again_in["login"], again_in["disabled"]) == ("olga", False)
    assert installed.omni("operators", "enable", "ivan").returncode == 1
    assert installed.omni("operators", "disable", "olga").returncode == 0
    found = installed.data("operators", "list")
    assert [
        (one["login"], one["name"], one["uid"], one["disabled"]) for one in found if one["uid"] == 4711
    ] == [("olga", "Ольга", 4711, True)]
    assert "Ольга" in installed.omni("operators", "list").stdout


# --- doctor -----------------------------------------------------------------------------------------


def test_doctor_finds_a_fresh_installation_well(installed: Home) -> None:
    done = installed.omni("doctor")
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
    report = installed.data("doctor", "--offline")
    assert report["ok"]
    names = [finding["name"] for finding in report["findings"]]
    for name in ("modules", "sqlite", "configuration", "database", "disk", "clock", "server", "operators"):
        assert name in names


def broken(home: Home) -> dict[str, str]:
    done = home.omni("doctor", "--offline", "--json")
    assert done.returncode == 1, done.stdout
    return {
        one["name"]: one["detail"] for one in json.loads(done.stdout)["findings"] if one["state"] == "broken"
    }


def test_doctor_names_what_is_broken(installed: Home) -> None:
    text = installed.config.read_text()
    installed.config.write_text(text.replace("env:OMNI_TEST_SECRET", "env:OMNI_TEST_UNSET"))
    assert "OMNI_TEST_UNSET" in broken(installed)["configuration"]
    installed.config.write_text(text + '\n[channels.chat]\nkind = "webchat"\n')
    assert "origins" in broken(installed)["channel chat"]
    installed.config.write_text(text)
    installed.config.chmod(0o666)
    assert "others may write" in broken(installed)["configuration"]
    installed.config.chmod(0o600)
    os.utime(installed.path / "data" / "omni.sqlite3", (4e9, 4e9))
    assert "behind" in broken(installed)["clock"]
    os.utime(installed.path / "data" / "omni.sqlite3")
    installed.omni("operators", "disable", ME)
    assert "no administrator" in broken(installed)["operators"]
    (installed.path / "data" / "omni.sqlite3").write_bytes(b"not a database" * 1000)
    assert "operators" in broken(installed)


def test_doctor_knows_foreign_modules(installed: Home) -> None:
    foreign = installed.path / "foreign" / "channels"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").touch()
    installed.environ["PYTHONPATH"] = f"{foreign.parent}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(foreign.parent)!r}]\n"
         "from omni_console.cli import run; sys.exit(run(['doctor']))"],
        cwd=installed.path, env=installed.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert str(foreign) in done.stdout
    assert "pipx" in done.stdout


# --- with a running server ------------------------------------------------------------------------


def test_commands_speak_to_the_running_server(installed: Home) -> None:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [sys.executable, "-m", "omni_console", "serve", "--ready-fd", str(writing)],
        cwd=installed.path,
        env=installed.environ,
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with open(reading) as ready:
            assert ready.readline().startswith("http://127.0.0.1:")
        socket = installed.path / "data" / "omni.sock"
        assert mode(socket) == 0o600
        [channel] = installed.data("channels")
        assert (channel["id"], channel["kind"], channel["refused"]) == ("forms", "webhook", 0)
        assert "forms" in installed.omni("--socket", str(socket), "channels").stdout
        assert installed.omni("operators", "add", "olga", "--uid", "4711").returncode == 0
        again = installed.omni("operators", "add", "olga", "--uid", "4712")
        assert again.returncode == 1, again.stderr
        assert installed.omni("operators", "disable", "olga").returncode == 0
        assert installed.omni("operators", "disable", "ivan").returncode == 1
        done = installed.omni("doctor")
        assert (done.returncode, "answers at" in done.stdout) == (0, True), done.stdout
        second = installed.omni("serve")
        assert second.returncode == 1
        assert str(server.pid) in second.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    assert not socket.exists()
    found = installed.data("operators", "list")
    assert any(one["login"] == "olga" and one["disabled"] for one in found)
