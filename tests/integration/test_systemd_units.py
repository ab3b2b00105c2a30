"""The units of deploy/, judged by systemd's own tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
EXPOSURE_MAX = 2.0  # of 10, as systemd-analyze rates it; "OK" is below 5


def require(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        text = f"{name} is not installed: apt-get install systemd"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return found


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copies whose program exists."""
    for unit in (path for kind in ("service", "socket", "timer") for path in DEPLOY.glob(f"*.{kind}")):
        text = unit.read_text()
        (tmp_path / unit.name).write_text(text.replace("/opt/omni/bin/omni", "/bin/true"))
    return tmp_path


def analyze(*arguments: str) -> str:
    done = subprocess.run(
        [require("systemd-analyze"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "omni.service",
        "omni-mail-worker.service",
        "omni-mail-worker.socket",
        "omni-backup.service",
        "omni-backup.timer",
    ],
)
def test_units_are_understood_whole(name: str, units: Path) -> None:
    said = analyze("verify", "--man=no", str(units / name))
    assert "omni" not in said, said


@pytest.mark.parametrize("name", ["omni.service", "omni-mail-worker.service", "omni-backup.service"])
def test_units_expose_little(name: str, units: Path) -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(units / name))
    rated = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", said)
    assert rated is not None, said
    assert float(rated[1]) <= EXPOSURE_MAX


def test_the_account_and_its_directories(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for command in (
        [require("systemd-sysusers"), f"--root={tmp_path}", str(DEPLOY / "omni.sysusers")],
        [require("systemd-tmpfiles"), f"--root={tmp_path}", "--create", str(DEPLOY / "omni.tmpfiles")],
    ):
        if os.geteuid() != 0 and "tmpfiles" in command[0]:
            return  # only root gives directories away
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    assert re.search(
        r"^omni:.*:/var/lib/omni:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(), re.M
    )
    assert re.search(r"^support:.*:omni$", (tmp_path / "etc/group").read_text(), re.M)
    assert (tmp_path / "var/lib/omni").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var/backups/omni").stat().st_mode & 0o777 == 0o700


def test_the_mail_worker_has_neither_network_nor_files_nor_the_server_s_account() -> None:
    """What the rating does not see: the rules that matter most, one by one."""
    unit = settings(DEPLOY / "omni-mail-worker.service")["Service"]
    assert unit["PrivateNetwork"] == ["yes"]
    assert unit["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert unit["DynamicUser"] == ["yes"]
    assert unit["User"] != settings(DEPLOY / "omni.service")["Service"]["User"]
    hidden = " ".join(unit["TemporaryFileSystem"])
    assert "/etc:ro" in hidden
    assert "/var:ro" in hidden
    assert unit["ProtectHome"] == ["yes"]
    for limit in ("MemoryMax", "CPUQuota", "TasksMax"):
        assert unit[limit]
    assert "LoadCredential" not in unit
    socket = settings(DEPLOY / "omni-mail-worker.socket")["Socket"]
    assert (socket["SocketUser"], socket["SocketMode"]) == (["omni"], ["0600"])
    assert f'"{socket["ListenStream"][0]}"' in (DEPLOY.parent / "config.example.toml").read_text()


def settings(path: Path) -> dict[str, dict[str, list[str]]]:
    """A unit as systemd reads it: a name may stand several times."""
    sections: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            current.setdefault(name, []).append(value)
    return sections
