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
    for unit in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        text = unit.read_text()
        (tmp_path / unit.name).write_text(text.replace("/opt/omni/bin/omni", "/bin/true"))
    return tmp_path


def analyze(*arguments: str) -> str:
    done = subprocess.run(
        [require("systemd-analyze"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["omni.service", "omni-backup.service", "omni-backup.timer"])
def test_units_are_understood_whole(name: str, units: Path) -> None:
    said = analyze("verify", "--man=no", str(units / name))
    assert "omni" not in said, said


@pytest.mark.parametrize("name", ["omni.service", "omni-backup.service"])
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
