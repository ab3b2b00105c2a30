"""A reply as calls, what answers mean, and which settings are refused."""

from __future__ import annotations

from typing import Any

import pytest

from channels.base import (
    BadCredentials,
    ChannelError,
    Failed,
    Outbound,
    OutboundFile,
    Retry,
    SendResult,
    Sent,
    Unknown,
)
from channels.messenger import planning
from channels.messenger.answer import Answer
from channels.messenger.pace import Pace
from channels.messenger.planning import Call, Piece
from channels.messenger.sending import Sender
from channels.secret import Secret
from channels.telegram import TelegramChannel, TelegramSettings
from channels.telegram.calls import OUTGOING, BotApi, compose
from channels.testkit import MemoryHost

CAN = TelegramChannel.spec.capabilities
EMOJI = "👍"  # two units of UTF-16


def outbound(text: str = "hello", *files: OutboundFile, **more: Any) -> Outbound:
    given = {"to": "77", "thread": "77", "references": (), **more}
    return Outbound(
        key="k-1",
        message_id=1,
        conversation_id=1,
        to_name=None,
        text=text,
        subject=None,
        author="Olga",
        files=files,
        written_at=0,
        **given,
    )


def file(content_type: str = "image/png", size: int = 10, name: str = "f") -> OutboundFile:
    return OutboundFile(name=name, content_type=content_type, size=size, path="/nowhere")


def pieces(message: Outbound, quote: int | None = None) -> list[Piece]:
    return planning.pieces(OUTGOING, CAN, "Telegram", message, "77", quote)


def plan(message: Outbound, quote: int | None = None) -> list[Call]:
    return [compose(piece) for piece in pieces(message, quote)]


def methods(*files: OutboundFile, text: str = "hello") -> list[str]:
    return [call.method for call in plan(outbound(text, *files))]


def test_how_replies_are_sent() -> None:
    pdf, big, gif = file("application/pdf"), file(size=10_000_001), file("image/gif")
    assert methods() == ["sendMessage"]
    assert methods(file()) == ["sendPhoto"]
    assert methods(pdf) == methods(big) == methods(gif) == ["sendDocument"]
    assert methods(file(), file()) == methods(pdf, file()) == ["sendMediaGroup"]
    assert methods(file(), text=EMOJI * 512) == ["sendPhoto"]
    assert methods(file(), text=EMOJI * 513) == ["sendMessage", "sendPhoto"]
    mixed = plan(outbound("t", pdf, file()))[0].params["media"]
    assert [one["type"] for one in mixed] == ["document"] * 2 and mixed[1]["caption"] == "t"
    for wrong in (outbound(" \n"), outbound("t", file(size=50_000_001)), outbound("t", file(size=0))):
        with pytest.raises(ValueError, match=r"\w"):
            plan(wrong)


def test_texts_are_sent_as_typed() -> None:
    [call] = plan(outbound("<b>&amp; *x* _"))
    assert call.params == {"chat_id": 77, "text": "<b>&amp; *x* _"}


def test_a_reply_goes_to_chats_of_ours_only() -> None:
    assert planning.chat_of(OUTGOING, outbound(), groups=False) == "77"
    assert planning.chat_of(OUTGOING, outbound(thread=""), groups=False) == "77"
    assert planning.chat_of(OUTGOING, outbound(thread="-5"), groups=True) == "-5"
    wrongs = [(wrong, True) for wrong in ("chat:-1", "@shop", "unreadable:ab", "７７", "77:1", "1e3")]
    for wrong, groups in [("-5", False), *wrongs]:
        with pytest.raises(ValueError, match="no chat"):
            planning.chat_of(OUTGOING, outbound(thread=wrong), groups)


def test_only_the_customers_last_message_is_quoted() -> None:
    quoted = planning.quoted
    assert quoted(outbound(references=("77:1", "77:5")), "77", []) == 5
    assert quoted(outbound(references=("77:5", "77:6")), "77", ["77:6"]) is None
    for other in ("78:5", "5", "77:x", ""):
        assert quoted(outbound(references=(other,)), "77", []) is None


def answered(status: int, description: str = "", **more: Any) -> Answer:
    return Answer(status=status, spoken=True, ok=status == 200, description=description, **more)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answered(200, raw=b'{"message_id":6}'), Sent(remote_id="77:6")),
        (answered(200, raw=b'[{"message_id":6},{"message_id":7}]'), Sent(remote_id="77:6")),
        (Answer(status=200, spoken=False), Unknown),
        (answered(401), BadCredentials),
        (answered(404), BadCredentials),
        (answered(429, retry_after=7.0), Retry(reason="Telegram asks to wait (status 429)", after=7.0)),
        (answered(403, "Forbidden: bot was blocked by the user"), Failed),
        (answered(400, "Bad Request: chat not found"), Failed),
        (answered(413), Failed),
        (answered(502), Retry),
        (Answer(status=504, spoken=False), Unknown),
        (answered(504), Retry),
        (Answer(status=302, spoken=False), Failed),
    ],
    ids=lambda value: f"{value.status}-{value.spoken}" if isinstance(value, Answer) else None,
)
def test_what_an_answer_means(answer: Answer, expected: type | SendResult) -> None:
    settings = TelegramSettings(kind="telegram", token=Secret("7001:abc"))
    sender = Sender(OUTGOING, CAN, BotApi(settings), MemoryHost("t"), settings, Pace(30.0, 1.0))
    found = sender.judge(answer, "77")
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected


def simpler(piece: Piece, answer: Answer) -> Call | None:
    other = planning.simpler(OUTGOING, piece, answer)
    return None if other is None else compose(other)


def test_the_same_said_more_simply() -> None:
    [photo] = pieces(outbound("t", file()), 5)
    plain = simpler(photo, answered(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
    assert plain is not None and plain.method == "sendDocument"
    assert plain.params["caption"] == "t" and plain.params["reply_parameters"]["message_id"] == 5
    [text] = pieces(outbound("t"), 5)
    bare = simpler(text, answered(400, "Bad Request: can't parse entities: x"))
    assert bare is not None and bare.params == {"chat_id": 77, "text": "t"}
    assert simpler(text, answered(400, "Bad Request: chat not found")) is None
    assert simpler(text, answered(500, "can't parse")) is None


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("token", {"token": Secret("hunter2")}),
        ("token", {"token": Secret("1:a/../b")}),
        ("secret", {"mode": "webhook"}),
        ("secret", {"mode": "webhook", "secret": Secret("a b")}),
        ("api_base", {"api_base": "api.telegram.org"}),
        ("api_base", {"api_base": ""}),
        ("api_base", {"api_base": "http://telegram.example"}),
        ("file_base", {"file_base": "https://user:password@files.example"}),
        ("proxy", {"proxy": "socks5://127.0.0.1:9050"}),
        ("timeout", {"timeout": 0.0}),
        ("poll_seconds", {"poll_seconds": 51.0}),
    ],
)
def test_refused_settings(key: str, settings: dict[str, Any]) -> None:
    given = {"kind": "telegram", "token": Secret("7001:abc"), **settings}
    with pytest.raises(ChannelError) as refusal:
        TelegramChannel("bot", TelegramSettings(**given))
    assert refusal.value.key == key
    assert "hunter2" not in str(refusal.value)
