"""The wheel as others get it: built, installed into an environment of its own, and used far from here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place / "dist")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    [made] = (place / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def omni(place: Path, wheel: Path) -> Path:
    """The installed command. Dependencies come from the environment that runs the tests: no network."""
    venv.create(place / "venv", with_pip=False, symlinks=True)
    python = place / "venv" / "bin" / "python"
    ours = Path(sysconfig.get_path("purelib"))
    target = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (Path(target) / "dependencies.pth").write_text(f"{ours}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", "--force-reinstall", str(wheel)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return place / "venv" / "bin" / "omni"


@pytest.fixture
def away(place: Path) -> Iterator[Path]:
    """An empty directory outside of the checkout."""
    with tempfile.TemporaryDirectory(prefix="away-", dir=place) as made:
        yield Path(made)


def run(omni: Path, away: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(omni), *arguments], cwd=away, env=_environ(away), capture_output=True, text=True, timeout=60
    )


def _environ(away: Path) -> dict[str, str]:
    hidden = {"OMNI_CONFIG", "OMNI_SOCKET", "XDG_RUNTIME_DIR", "PYTHONPATH", "SUDO_UID", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"HOME": str(away), "XDG_CONFIG_HOME": str(away / "c"), "XDG_DATA_HOME": str(away / "d")}


def test_everything_that_is_needed_is_inside_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "omni_console",
        "server",
        "channels",
    }
    for folder, pattern in [
        ("channels/webchat/static", "*.js"),
        ("channels/webchat/static", "*.css"),
        ("channels/webchat/static", "*.html"),
        ("server/store/migrations", "*.sql"),
        ("omni_console/styles", "*.tcss"),
        ("omni_console/locale", "*.mo"),
    ]:
        ours = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(pattern)}
        assert ours, f"{folder} holds no {pattern}"
        assert ours <= names, sorted(ours - names)
    assert "omni_console/data/config.example.toml" in names
    python = {str(path.relative_to(ROOT)) for package in ("omni_console", "server", "channels")
              for path in (ROOT / package).rglob("*.py")}  # fmt: skip
    assert python <= names, sorted(python - names)
    assert not [name for name in names if name.endswith((".pyc", ".env", ".sqlite3"))]
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_installed_code_runs_and_not_the_checkouts(omni: Path, away: Path) -> None:
    done = run(omni, away, "--help")
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout
    python = omni.with_name("python")
    where = subprocess.run(
        [str(python), "-c", "import server, channels, omni_console\n"
         "print(*(m.__file__ for m in (server, channels, omni_console)), sep='\\n')"],
        cwd=away, env=_environ(away), capture_output=True, text=True, check=True,
    )  # fmt: skip
    for line in where.stdout.split():
        assert Path(line).is_relative_to(omni.parents[1])


def test_init_and_serve_from_an_empty_directory(omni: Path, away: Path) -> None:
    done = run(
        omni, away, "init", "--yes", "--dir", ".", "--site", "Shop", "--chat-origin", "https://shop.example"
    )
    assert done.returncode == 0, done.stderr
    config = away / "omni.toml"
    text = config.read_text().replace("#listen = ", "listen = ").replace("127.0.0.1:8480", "127.0.0.1:0")
    config.write_text(text)
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [str(omni), "serve", "--ready-fd", str(writing)],
        cwd=away,
        env=_environ(away),
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    try:
        with open(reading) as ready:
            url = ready.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        listed = run(omni, away, "channels", "--json")
        assert listed.returncode == 0, listed.stderr
        for asset in ("widget.js", "panel.css"):
            fetched = subprocess.run(
                [str(omni.with_name("python")), "-c", "import sys, urllib.request as u\n"
                 "print(u.urlopen(sys.argv[1], timeout=10).status)", f"{url}/webchat/chat/{asset}"],
                capture_output=True, text=True,
            )  # fmt: skip
            assert fetched.stdout.strip() == "200", (asset, fetched.stderr[-300:])
    finally:
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=30)
    assert server.returncode == 0, said
    assert "Traceback" not in said
