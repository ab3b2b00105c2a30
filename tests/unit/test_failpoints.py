"""Failpoints: off without a test, exact in what they understand, and placed where they are declared."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_console.commands.errors import Code, understand
from server import failpoints
from server.failpoints import NUMBERS, POINTS, FailpointError, Rule, arm, hit, number, read_rules

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm({})


def armed(rules: str) -> None:
    arm({"OMNI_TESTING": "1", "OMNI_FAILPOINTS": rules})


def test_every_declared_point_is_in_the_code_and_the_other_way_round() -> None:
    placed: Counter[str] = Counter()
    for path in [*(ROOT / "server").rglob("*.py"), *(ROOT / "omni_console").rglob("*.py")]:
        if path.name != "failpoints.py":
            placed.update(re.findall(r"failpoints\.(?:hit|number)\(\s*([^,)]*)", path.read_text("utf-8")))
    assert {f'"{name}"' for name in (*POINTS, *NUMBERS)} == set(placed)


def test_without_the_variable_nothing_is_armed() -> None:
    arm({"OMNI_TESTING": "1"})
    assert failpoints._armed is None
    for name in POINTS:
        hit(name)
    assert number("outbox.lease_ms", 7) == 7


def test_it_is_refused_outside_of_tests() -> None:
    for environment in ({}, {"OMNI_TESTING": ""}, {"OMNI_TESTING": "0"}):
        with pytest.raises(FailpointError, match="tests only") as caught:
            arm({"OMNI_FAILPOINTS": "outbox.leased=kill", **environment})
        assert "unset" in caught.value.hint
    assert failpoints._armed is None


def test_rules_are_read() -> None:
    text = " outbox.after_send=kill@3; intake.before_commit=sleep:0.5 ;;outbox.lease_ms=set:1500"
    assert read_rules(text) == [
        Rule("outbox.after_send", "kill", 0.0, 3),
        Rule("intake.before_commit", "sleep", 0.5),
        Rule("outbox.lease_ms", "set", 1500.0),
    ]


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("outbox.after_sent=kill", "outbox.after_send"),
        ("intake.commit=kill", "intake.after_commit"),
        ("outbox.leased=explode", "kill, stop, sleep:SECONDS or error"),
        ("outbox.leased", "outbox.leased="),
        ("outbox.leased=sleep", "sleep:SECONDS"),
        ("outbox.leased=sleep:soon", "sleep:SECONDS"),
        ("outbox.leased=sleep:-1", "sleep:SECONDS"),
        ("outbox.leased=sleep:inf", "sleep:SECONDS"),
        ("outbox.leased=kill:9", "kill"),
        ("outbox.leased=kill@0", "@N"),
        ("outbox.leased=kill@", "@N"),
        ("outbox.leased=kill@x", "@N"),
        ("outbox.leased=set:5", "kill"),
        ("outbox.lease_ms=kill", "set:VALUE"),
        ("outbox.leased=kill;outbox.leased=stop", "one rule"),
    ],
)
def test_what_is_no_rule_is_refused(rule: str, hint: str) -> None:
    with pytest.raises(FailpointError) as caught:
        read_rules(rule)
    assert hint in caught.value.hint


def test_the_refusal_is_explained_on_the_command_line() -> None:
    told = understand(FailpointError("there is no failpoint 'x'", "the nearest is y"))
    assert told is not None
    assert (told.code, told.hint) == (Code.USAGE, "the nearest is y")


def test_an_error_at_the_hit_it_is_meant_for() -> None:
    armed("outbox.leased=error@2")
    hit("outbox.leased")
    hit("outbox.recorded")
    with pytest.raises(OSError, match=r"outbox\.leased"):
        hit("outbox.leased")
    hit("outbox.leased")


def test_an_error_at_every_hit() -> None:
    armed("outbox.leased=error")
    for _ in range(3):
        with pytest.raises(OSError, match=r"outbox\.leased"):
            hit("outbox.leased")


def test_a_wait_and_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("server.failpoints.time.sleep", slept.append)
    armed("outbox.leased=sleep:1.5;outbox.lease_ms=set:900")
    hit("outbox.leased")
    assert slept == [1.5]
    assert number("outbox.lease_ms", 90_000) == 900


async def test_kill_and_stop_are_real() -> None:
    program = (
        "import os; from server import failpoints; failpoints.arm(os.environ);"
        " failpoints.hit('outbox.leased'); failpoints.hit('outbox.recorded'); print('survived')"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        cwd=ROOT,
        env={"OMNI_TESTING": "1", "OMNI_FAILPOINTS": "outbox.leased=stop;outbox.recorded=kill"},
        stdout=subprocess.PIPE,
    )
    stat = Path(f"/proc/{process.pid}/stat")
    async with asyncio.timeout(20):
        while stat.read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGCONT)
    output, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert b"survived" not in output
