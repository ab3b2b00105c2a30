"""What adapters of messengers share: verdicts, pace, settings, and the reading of what strangers send."""

from __future__ import annotations

import pytest

from channels.base import BadCredentials, ChannelError, Contact, Failed, Retry, Sent, Unknown
from channels.json_input import JsonInputError
from channels.messenger.answer import Answer, judge, lost, partly
from channels.messenger.link import Link, UnreachedError
from channels.messenger.pace import Pace
from channels.messenger.reading import (
    attachment,
    decode,
    integer,
    moment,
    place,
    shared_phone,
    unreadable,
    whole_characters,
)
from channels.messenger.settings import MessengerSettings, check_base, check_common

EXAMPLE = "https://api.chatter.example"


def test_what_no_answer_means() -> None:
    assert isinstance(lost(UnreachedError("x", begun=False), "Chatter"), Retry)
    assert isinstance(lost(UnreachedError("x", begun=True), "Chatter"), Unknown)


def test_half_a_reply_is_told_as_half() -> None:
    assert partly(Retry("later", after=3.0), noted=True) == Retry(
        "the text arrived, the files did not: later", after=3.0
    )
    assert isinstance(partly(Retry("later"), noted=False), Unknown)
    assert isinstance(partly(BadCredentials("x"), noted=False), Unknown)
    assert isinstance(partly(Failed("x"), noted=False), Failed)
    told = partly(Unknown("cut"), noted=True)
    assert isinstance(told, Unknown) and "text arrived" in told.reason


async def test_the_pace_is_one_a_second_to_each_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds))

    monkeypatch.setattr("channels.messenger.pace.asyncio.sleep", sleep)
    pace = Pace(30.0, 1.0)
    for chat in (1, 1, 2, 1, 2):
        await pace.turn(str(chat))
    assert [seconds for seconds in waited if seconds] == [1, 2, 1]


def test_only_a_good_answer_of_the_platform_itself_says_sent() -> None:
    good = Answer(status=200, spoken=True, ok=True, raw=b'{"id": 7}')
    assert judge(good, "Chatter", lambda result: str(result["id"])) == Sent(remote_id="7")
    for status, spoken, ok, meaning in (
        (200, False, True, Unknown),
        (200, True, False, Unknown),
        (401, True, False, BadCredentials),
        (429, True, False, Retry),
        (502, False, False, Retry),
        (504, False, False, Unknown),
        (302, False, False, Failed),
        (400, True, False, Failed),
    ):
        answer = Answer(status=status, spoken=spoken, ok=ok)
        assert isinstance(judge(answer, "Chatter", lambda result: None), meaning)


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("proxy", {"proxy": "socks5://127.0.0.1:9050"}),
        ("proxy", {"proxy": "http://user:word@proxy.example"}),
        ("timeout", {"timeout": 0.0}),
        ("timeout", {"timeout": 301.0}),
    ],
)
def test_common_settings_that_cannot_work(key: str, settings: dict[str, object]) -> None:
    with pytest.raises(ChannelError) as refused:
        check_common(MessengerSettings(kind="chatter", **settings))  # type: ignore[arg-type]
    assert refused.value.key == key
    check_common(MessengerSettings(kind="chatter", proxy="http://proxy.example:3128"))


def test_a_secret_goes_nowhere_in_the_clear() -> None:
    for address in (
        "api.chatter.example",
        "",
        "http://api.chatter.example",
        "ftp://x.example",
        f"{EXAMPLE}?a=b",
    ):
        with pytest.raises(ChannelError):
            check_base("api_base", address, EXAMPLE)
    for address in (EXAMPLE, "http://127.0.0.1:8081", "http://[::1]:8081", "http://localhost"):
        check_base("api_base", address, EXAMPLE)


def test_what_others_say_is_shown_without_our_secret() -> None:
    link = Link(MessengerSettings(kind="chatter"), "a/b:c", "agent")
    assert link.told("no a/b:c\nand a%2Fb%3Ac\x1b[31m") == "no TOKEN and TOKEN [31m"
    assert len(link.told("x" * 10_000)) == 300


async def test_a_link_that_is_not_open_has_begun_nothing() -> None:
    link = Link(MessengerSettings(kind="chatter"), "secret", "agent")
    with pytest.raises(UnreachedError) as unreached:
        await link.post(EXAMPLE)
    assert not unreached.value.begun


def test_half_characters_and_nuls_do_not_make_a_message_unreadable() -> None:
    assert decode(b'{"a": "\\ud83d x\\u0000"}') == {"a": "\ufffd x\ufffd"}
    for nonsense in (b"", b"{", b"\xff", b"[" * 10_000, b"NaN"):
        with pytest.raises(JsonInputError):
            decode(nonsense)
    shown = unreadable(b"{", "not valid JSON")
    assert shown.kind == "unsupported"
    assert not shown.sender.reachable
    assert shown.dedupe_key == unreadable(b"{", "other words").dedupe_key != unreadable(b"[", "x").dedupe_key


def test_half_characters_become_whole_ones_and_nothing_else_changes() -> None:
    given = rb'{"a": "\ud83d\ude00 \ud83d \uDE00\ud83d \\ud83d \n \u0041"}'
    assert whole_characters(given) == rb'{"a": "\ud83d\ude00 \ufffd \ufffd\ufffd \\ud83d \n \u0041"}'


def test_numbers_times_and_places() -> None:
    assert [integer(value) for value in (7, True, "7", 7.0, 2**53)] == [7, None, None, None, None]
    assert [moment(value) for value in (1, 0, -1, 10**12)] == [1000, None, None, None]
    assert place(59.93, 30.3, "Bridge") == (
        {"lat": "59.93", "lon": "30.3"},
        "\N{ROUND PUSHPIN} Bridge, 59.930000, 30.300000",
    )
    for latitude, longitude in ((91, 0), (0, 181), (True, 0), ("1", 1), (float("nan"), 0), (None, None)):
        assert place(latitude, longitude, "") is None


def test_only_one_s_own_number_is_proof() -> None:
    line, proof = shared_phone("79001234567", "Anna", "", True, "own contact")
    assert line == "\N{BLACK TELEPHONE} Anna +79001234567"
    assert proof == Contact(scheme="phone", external_id="+79001234567", verified=True, evidence="own contact")
    assert shared_phone("79001234567", "Anna", "", False, "own contact") == (line, None)
    assert shared_phone("call me", "Anna", "", True, "own contact")[1] is None


def test_a_file_that_nobody_named_says_why_it_is_not_here() -> None:
    assert attachment("", 5, "image", "a.jpg", "image/jpeg", "it gave no id").problem == "it gave no id"
    known = attachment("x", -5, "image", "a.jpg", "image/jpeg", "it gave no id")
    assert (known.problem, known.size) == ("", None)
