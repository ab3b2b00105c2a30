"""Who imports whom, looked at where it happens: in a fresh interpreter's sys.modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALL_OF = """
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
for found in pkgutil.walk_packages(package.__path__, {package!r} + '.'):
    importlib.import_module(found.name)
"""
SAY = "\nprint(*sorted(sys.modules), sep='\\n', file=sys.stderr)"


def imported(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program + SAY], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def offending(modules: set[str], *forbidden: str) -> list[str]:
    return sorted(name for name in modules for bad in forbidden if name == bad or name.startswith(f"{bad}."))


def test_channels_know_neither_server_nor_console() -> None:
    modules = imported(ALL_OF.format(package="channels"))
    assert "channels.email.imap" in modules
    assert offending(modules, "server", "omni_console", "textual", "aiosqlite", "sqlite3") == []


def test_the_server_knows_no_console() -> None:
    modules = imported(ALL_OF.format(package="server"))
    assert {"server.app", "server.api.events", "server.store.migrations"} <= modules
    assert offending(modules, "omni_console", "textual") == []


def wire_types_alone(modules: list[str]) -> bool:
    return all(name == "server" or f"{name}.".startswith("server.protocol.") for name in modules)


def test_the_wire_types_need_nothing_of_ours() -> None:
    modules = imported("import sys, server.protocol")
    assert wire_types_alone(offending(modules, "server", "channels", "omni_console", "aiohttp"))


@pytest.mark.parametrize("module", ["app", "client", "desk", "actions"])
def test_the_console_knows_the_server_by_its_wire_types_alone(module: str) -> None:
    modules = imported(f"import sys, omni_console.{module}")
    assert wire_types_alone(offending(modules, "server"))
    assert offending(modules, "channels", "aiosqlite", "sqlite3") == []
    if module != "app":
        assert offending(modules, "textual") == []


def test_help_is_cheap() -> None:
    modules = imported("import sys\nfrom omni_console.cli import run\nrun(['--help'])")
    assert offending(modules, "textual", "rich", "aiohttp", "server", "channels", "msgspec") == []


def test_a_command_needs_no_screen() -> None:
    modules = imported("import sys\nfrom omni_console.cli import run\nrun(['list', '--socket', '/nowhere'])")
    assert "omni_console.cleaning" in modules
    assert offending(modules, "textual") == []


def test_sql_lives_in_the_store_alone() -> None:
    for folder in ("server", "channels", "omni_console"):
        for path in (ROOT / folder).rglob("*.py"):
            if (ROOT / "server" / "store") in path.parents:
                continue
            text = path.read_text(encoding="utf-8")
            for word in ("SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"):
                assert f'"{word}' not in text, f"{path.relative_to(ROOT)}: {word.strip()}"
