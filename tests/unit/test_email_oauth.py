"""Access tokens: what is understood, when they are renewed, and what is never shown."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from channels.base import ChannelError
from channels.email import EmailChannel
from channels.email.oauth import TokenError, TokenSource, read_token
from channels.secret import Secret
from tests.fakes.mail_account import settings


@pytest.mark.parametrize(
    ("text", "value", "end"),
    [
        ("ya29.abc\n", "ya29.abc", None),
        ('{"access_token": "t", "expires_in": 3599}', "t", 4599.0),
        ('{"access_token": "t", "expires_in": "3599"}', "t", 4599.0),
        ('{"access_token": "t", "expires_at": 5000}', "t", 5000.0),
        ('{"access_token": "t", "expiry": "1970-01-01T01:00:00+00:00"}', "t", 3600.0),
        ('{"access_token": "t", "expiry": "soon"}', "t", None),
    ],
)
def test_tokens_as_programs_print_them(text: str, value: str, end: float | None) -> None:
    token = read_token(text, 1000.0)
    assert (token.value, token.expires_at) == (value, end)
    assert value not in repr(token)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no token"),
        ("two words", "not one word"),
        ("line\x00feed", "not one word"),
        ("{oops", "cannot be understood"),
        ('{"error": "invalid_grant", "error_description": "revoked\\u001b[2J"}', "invalid_grant revoked"),
        ('{"token_type": "Bearer"}', "no access_token"),
    ],
)
def test_what_is_no_token_says_why(text: str, says: str) -> None:
    with pytest.raises(TokenError, match=says) as caught:
        read_token(text, 0.0)
    assert "\x1b" not in str(caught.value)


def _counting(path: Path, life: str) -> tuple[str, ...]:
    """A command that prints token-1, token-2, …"""
    program = (
        "import pathlib, sys; f = pathlib.Path(sys.argv[1]); n = len(f.read_text()) + 1 if f.exists() else 1;"
        " f.write_text('x' * n); print('{\"access_token\": \"token-%d\"%s}' % (n, sys.argv[2]))"
    )
    return (sys.executable, "-c", program, str(path), life)


async def test_a_token_is_renewed_before_its_end_and_not_sooner(tmp_path: Path) -> None:
    now = [1000.0]
    command = _counting(tmp_path / "asked", ', "expires_in": 3600')
    source = TokenSource(None, command, clock=lambda: now[0])
    assert await source.current() == "token-1"
    now[0] += 3200
    assert await source.current() == "token-1"
    now[0] += 150  # four minutes before its end
    assert await source.current() == "token-2"


async def test_those_who_are_refused_together_renew_it_once(tmp_path: Path) -> None:
    source = TokenSource(None, _counting(tmp_path / "asked", ""))
    refused = await source.current()
    newer = await asyncio.gather(*(source.instead_of(refused) for _ in range(4)))
    assert newer == ["token-2"] * 4


async def test_a_file_is_read_again_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    file.chmod(0o600)
    source = TokenSource(Secret.from_reference("file:token", tmp_path))
    assert await source.current() == "first"
    file.write_text("second")
    assert await source.current() == "second"
    file.unlink()
    with pytest.raises(TokenError, match="cannot read"):
        await source.current()


async def test_a_command_that_cannot_be_run_or_fails_says_so_without_its_output() -> None:
    with pytest.raises(TokenError, match="cannot be run"):
        await TokenSource(None, ("/nowhere/mail-token",)).current()
    program = "import sys; print('the-secret-token'); sys.stderr.write('no network\\n'); sys.exit(3)"
    with pytest.raises(TokenError, match="ended with code 3: no network") as caught:
        await TokenSource(None, (sys.executable, "-c", program)).current()
    assert "the-secret-token" not in str(caught.value)


def test_exactly_one_way_to_log_in() -> None:
    for wrong in (
        {"password": None},
        {"token_command": ("x",)},
        {"password": None, "token": Secret("x"), "token_command": ("x",)},
        {"password": None, "token": Secret("x", "env:TOKEN")},
    ):
        with pytest.raises(ChannelError):
            EmailChannel("mail", settings(**wrong))
    assert EmailChannel("mail", settings(password=None, token=Secret("x"))).tokens is not None
