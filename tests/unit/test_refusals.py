from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_console import i18n
from omni_console.refusal_table import HOLED, WHOLE
from omni_console.refusals import BY_CODE, known, obstacle_words, refusal
from server.protocol import ErrorBody, Obstacle

SERVER = Path(__file__).parents[2] / "server"
# An English sentence: three Latin words in a row. Addresses, units, examples and keys are none.
ENGLISH = re.compile(r"[A-Za-z']{2,}(?: [A-Za-z']{2,}){2,}")


@pytest.fixture
def russian() -> Iterator[None]:
    i18n.use("ru")
    yield
    i18n.use("en")


# What is refused in these rooms an operator asked for; elsewhere it was an administrator or a program.
ROOMS = ("cases", "people", "queue", "lifecycle.py")
NOT_FROM_THE_CONSOLE = ("cases/templating.py", "people/importing.py", "people/erasing.py")
REFUSING = ("RefusedError", "IllegalMoveError", "AddressingError", "FieldError")
TO_PROGRAMS = {
    "client_id is empty",
    "make one for every code",
    "make one for every contact",
    "make one for every message",
    "this client_id was used for another message",
    "this client_id was used for something else",
    "leave `beside` out",
    "GET /v1/fields lists them; omni.toml declares them",
    "see docs/channels/webhook.md, Scores",
    "7 is no field of its own",
    "give it as '7' beside 'fields'",
}


def told(node: ast.expr, named: dict[str, str]) -> list[str]:
    """The sentences that an argument may be, with 7 where a name or a number goes."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(_part(part) for part in parts)]
        case ast.BinOp(left=ast.Constant(value=str(text))):
            return [text + "7"]
        case ast.IfExp(body=one, orelse=other):
            return told(one, named) + told(other, named)
        case ast.Name(id=name):
            return [named[name]] if name in named else []
    return []


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.FormattedValue):
        return "'7'" if part.conversion == ord("r") else "7"
    assert isinstance(part, ast.Constant)
    return str(part.value)


def constants(tree: ast.Module) -> dict[str, str]:
    return {
        target.id: one.value.value
        for one in tree.body
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
        for target in one.targets
        if isinstance(target, ast.Name) and isinstance(one.value.value, str)
    }


def calls(path: Path) -> Iterator[tuple[str, list[str]]]:
    """What is called, and the sentences that it is given."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [*node.args, *(word.value for word in node.keywords)]
            yield called, [text for one in given for text in told(one, named)]


def said_by_the_server() -> tuple[set[str], set[str]]:
    """Every code, and every sentence, that the server's refusals are made with."""
    codes: set[str] = set()
    sentences: set[str] = set()
    for path in SERVER.rglob("*.py"):
        for called, texts in calls(path):
            if called == "refused" and texts:
                codes.add(texts[0])
                sentences.update(texts[1:])
            elif called == "ErrorBody":
                codes.update(text for text in texts if re.fullmatch(r"[a-z_]+", text) and text in BY_CODE)
                sentences.update(texts)
            elif called.endswith("Error") or called == "__init__":
                sentences.update(texts)
    return codes, sentences


def said_to_operators() -> Iterator[str]:
    for path in SERVER.rglob("*.py"):
        place = path.relative_to(SERVER).as_posix()
        if place.startswith(ROOMS) and place not in NOT_FROM_THE_CONSOLE:
            for called, texts in calls(path):
                if called in REFUSING:
                    yield from texts


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


def test_whatever_is_refused_to_an_operator_is_said_in_his_language() -> None:
    said = set(said_to_operators())
    assert len(said) > 150
    missing = {one for one in said if known(one) is None} - TO_PROGRAMS
    assert missing == set(), "put them into refusal_table.py"
    assert TO_PROGRAMS - said == set(), "nobody says this any more"


def test_what_is_known_is_still_said_by_the_server() -> None:
    _codes, sentences = said_by_the_server()
    source = "\n".join(path.read_text(encoding="utf-8") for path in SERVER.rglob("*.py"))
    assert {one for one in WHOLE - sentences if one not in source} == set(), "nobody says this any more"
    for one in HOLED:
        longest = max(re.split(r"'?\{\w+\}'?", one), key=len)
        assert longest in source, one


def test_names_and_numbers_stay(russian: None) -> None:
    body = ErrorBody(code="taken", message="Boris Berg has this conversation", hint="look again")
    assert refusal(body) == "этот диалог у: Boris Berg. посмотрите ещё раз"
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
