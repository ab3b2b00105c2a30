"""What the server and the channels say of a message, a file, a sender: in the operator's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_console import i18n
from omni_console.refusals import known
from omni_console.server_words import HOLED, WHOLE, WORDS, assigned_words, said_by_server
from server.cases import leaving
from server.queue import silence
from tests.unit.test_refusals import ENGLISH, constants, told

SOURCE = Path(__file__).parents[2]
# How a send ended, in the words of whoever tried: they stand beside the message.
ENDS = {"Failed", "Retry", "Unknown", "Paused", "BadCredentials", "_doubt", "CodeOverError", "FetchError"}
# Fields of what is shown: why a message lies here, why a file is not here, how an address is known.
SHOWN = {"problem", "evidence", "reason"}
# Said to administrators only, by `omni doctor` or in the log.
NOT_SHOWN = (
    "channels/email/probe.py",
    "channels/email/ledger.py",
    "channels/email/imap.py",
    "channels/messenger/probe.py",
    "channels/webhook/settings.py",
    "server/api",
    "server/backup.py",
    "server/webhooks",
)


@pytest.fixture
def russian() -> Iterator[None]:
    i18n.use("ru")
    yield
    i18n.use("en")


def shown() -> Iterator[tuple[str, str]]:
    """(where, a sentence that stands beside a message or a file)"""
    for root in ("server", "channels"):
        for path in (SOURCE / root).rglob("*.py"):
            place = path.relative_to(SOURCE).as_posix()
            if not place.startswith(NOT_SHOWN):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                yield from ((f"{place}", text) for text in _in_tree(tree) if " " in text)


def _in_tree(tree: ast.Module) -> Iterator[str]:
    named = constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ENDS:
                yield from (text for one in node.args for text in told(one, named))
            if called not in ("warning", "error", "info", "debug"):  # of the log
                for word in node.keywords:
                    if word.arg in SHOWN:
                        yield from told(word.value, named)


def test_what_stands_beside_a_message_is_said_in_the_operators_language(russian: None) -> None:
    found = sorted(set(shown()))
    assert len(found) > 50
    assert [one for one in found if ENGLISH.search(said_by_server(one[1]))] == []


def test_why_a_reply_for_later_did_not_leave_and_nothing_closes_by_itself(russian: None) -> None:
    reasons = {
        value
        for module in (leaving, silence)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and " " in value
    }
    assert len(reasons) > 8
    for reason in reasons:
        assert not ENGLISH.search(known(reason) or said_by_server(reason)), reason


def test_what_is_known_is_still_said() -> None:
    paths = [path for root in ("server", "channels") for path in (SOURCE / root).rglob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    assert [one for one in WHOLE if one not in source and f'"{one.split(" ")[0]}' not in source] == []
    assert len(WORDS.holed) == len(HOLED)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "given up after 7 attempts: no answer in time",
            "попыток: 7, больше не пробуем: ответ не пришёл вовремя",
        ),
        (
            "not delivered to a@b.example (550 no such user); delivered to c@d.example",
            "не доставлено: a@b.example (550 no such user); доставлено: c@d.example",
        ),
        ("cut off: site chat (yours), SMS (nobody's)", "нет связи: site chat (ваш), SMS (ничей)"),
        ("suggested by phone, name", "предложено по: телефон, имя"),
        ("550 5.1.1 user unknown", "550 5.1.1 user unknown"),
        ("", ""),
    ],
)
def test_what_stands_in_a_sentence_is_said_too(russian: None, words: str, said: str) -> None:
    assert said_by_server(words) == said


def test_why_somebody_has_it(russian: None) -> None:
    for why in (
        "spoke with the customer last",
        "least in hand",
        "operator lost",
        "operator gone",
        "declined",
    ):
        assert not ENGLISH.search(assigned_words(why)), why
