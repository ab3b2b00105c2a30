from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_console import i18n
from omni_console.refusals import BY_CODE, KNOWN, known, obstacle_words, refusal
from server.protocol import ErrorBody, Obstacle

SERVER = Path(__file__).parents[2] / "server"
# An English sentence: three Latin words in a row. Addresses, units, examples and keys are none.
ENGLISH = re.compile(r"[A-Za-z']{2,}(?: [A-Za-z']{2,}){2,}")


@pytest.fixture
def russian() -> Iterator[None]:
    i18n.use("ru")
    yield
    i18n.use("en")


def said_by_the_server() -> tuple[set[str], set[str]]:
    """Every code, and every fixed sentence, that the server's refusals are made with."""
    codes: set[str] = set()
    sentences: set[str] = set()
    for path in SERVER.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: one.value.value
            for one in tree.body
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            texts += [named[one.id] for one in node.args if isinstance(one, ast.Name) and one.id in named]
            if called == "refused" and isinstance(node.args[1], ast.Constant):
                codes.add(str(node.args[1].value))
                sentences.update(text for text in texts[2:] if isinstance(text, str))
            elif called == "ErrorBody":
                for word in node.keywords:
                    if word.arg == "code" and isinstance(word.value, ast.Constant):
                        codes.add(str(word.value.value))
            elif called.endswith("Error"):
                sentences.update(text for text in texts if isinstance(text, str))
    return codes, sentences


def test_every_code_of_the_server_is_said(russian: None) -> None:
    codes, _sentences = said_by_the_server()
    assert len(codes) > 8
    assert codes - BY_CODE.keys() == set()
    for code in codes:
        body = ErrorBody(code=code, message="words that nobody translated at all", hint="do what it says")
        assert not ENGLISH.search(refusal(body)), code
        assert refusal(body)


def test_a_russian_console_never_answers_in_english(russian: None) -> None:
    codes, sentences = said_by_the_server()
    assert len(sentences) > 100
    for sentence in sentences:
        for code in codes:
            said = refusal(ErrorBody(code=code, message=sentence, hint=sentence))
            assert said
            assert not ENGLISH.search(said), (sentence, said)


def test_what_is_known_is_still_said_by_the_server() -> None:
    _codes, sentences = said_by_the_server()
    gone = KNOWN - sentences
    assert gone == set(), "nobody says this any more"


def test_names_and_numbers_stay(russian: None) -> None:
    body = ErrorBody(code="taken", message="Boris Berg has this conversation", hint="look again")
    assert refusal(body) == "этот диалог у: Boris Berg"
    body = ErrorBody(
        code="illegal_state",
        message="the text is too long for site chat: 5000 of 4096",
        hint="shorten it, or send it in two messages",
    )
    assert "5000" in refusal(body)
    assert refusal(body).endswith("сократите или отправьте двумя сообщениями")
    assert known("nobody ever said so") is None


def test_english_is_said_as_the_server_says_it() -> None:
    body = ErrorBody(code="illegal_state", message="anything at all", hint="do this")
    assert refusal(body) == "anything at all. do this"


def test_obstacles(russian: None) -> None:
    barred = Obstacle(kind="barred", text="x@example.org is barred as spam", blocks=True)
    assert obstacle_words(barred).endswith("x@example.org закрыт как спам")
    for kind, text in (
        ("consent", "refused marketing by all channels on 2026-11-03"),
        ("consent", "refused marketing by email on 2026-11-03"),
        ("colleague_wrote", "Boris Berg wrote on 2026-11-03 by site chat"),
        ("open_conversation", "#7 is open, with nobody yet, last word 2026-11-03: Заказ"),
    ):
        said = obstacle_words(Obstacle(kind=kind, text=text))  # type: ignore[arg-type]
        assert not ENGLISH.search(said), said
        assert "3 ноя 2026" in said
