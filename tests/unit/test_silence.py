"""What becomes of a customer's silence, and when. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from server import wording
from server.people.card_settings import SettingError
from server.protocol import Status
from server.queue.hours import Calendar, HoursSettings
from server.queue.silence import NOT_DELIVERED, NOT_KNOWN, Kept, SilenceSettings, Silent, Terms, read_terms

M = 60_000
H = 60 * M
CHANNELS = ("chat", "mail", "odd")
TEAMS = {"shop": ["chat", "mail"]}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Moscow")).timestamp()) * 1000


MONDAY = at("2026-11-23 10:00")
OFFICE = Calendar(
    HoursSettings(
        time_zone="Europe/Moscow",
        monday="09:00-18:00",
        tuesday="09:00-18:00",
        wednesday="09:00-18:00",
        thursday="09:00-18:00",
        friday="09:00-18:00",
    )
)
TERMS = Terms(
    read_terms(
        (
            SilenceSettings(channel="chat", announce_after="72h", close_after="24h"),
            SilenceSettings(channel="mail", announce_after="7d", close_after="2d", topic="quiet"),
        ),
        CHANNELS,
        TEAMS,
        "en",
    ),
    {"mail": OFFICE},
    frozenset({"chat"}),
    15 * M,
    "text",
)


def silent(channel: str = "chat", **more: Any) -> Silent:
    usual: dict[str, Any] = {"waits": True, "since": MONDAY}
    return Silent(id=1, customer_id=1, channel_id=channel, **usual | more)


def kept(one: Silent, when: int = MONDAY, **more: Any) -> Kept:
    found = TERMS.kept(one, when, **more)
    assert found is not None
    return found


def test_first_another_channel_is_proposed_then_the_closing_announced() -> None:
    first = kept(silent())
    assert (first.step, first.next_at) == ("propose", MONDAY + 15 * M)
    second = kept(silent(kept=replace(first, proposed=True)))
    assert (second.step, second.next_at) == ("announce", MONDAY + 72 * H)


def test_what_no_term_is_for_is_not_written_down() -> None:
    assert TERMS.kept(silent("odd"), MONDAY) is None
    assert TERMS.kept(silent(""), MONDAY) is None  # he never wrote
    assert TERMS.kept(silent(waits=False, kept=Kept(since=1)), MONDAY) is None
    assert not Terms()


def test_an_announcement_waits_for_business_hours() -> None:
    friday = at("2026-11-20 17:30")
    assert kept(silent("mail", since=friday)).next_at == at("2026-11-27 17:30")
    assert kept(silent("mail", since=friday + H)).next_at == at("2026-11-30 09:00")


def test_a_promise_and_a_new_beginning_give_time() -> None:
    assert kept(silent("mail", due_at=MONDAY + 24 * H)).next_at == MONDAY + 8 * 24 * H
    known = Kept(since=MONDAY, announced_id=7, announced_at=MONDAY + 1, step="close", next_at=MONDAY + 2)
    again = kept(silent("mail", kept=known, announced="sent"), MONDAY + H, anew=True)
    assert again == Kept(since=MONDAY + H, step="announce", next_at=MONDAY + H + 7 * 24 * H)
    # Our next word: the state is younger than what is known of it.
    assert kept(silent("mail", since=MONDAY + H, kept=known, announced="sent")) == again


@pytest.mark.parametrize(
    ("status", "obstacle"),
    [
        ("queued", ""),
        ("retrying", ""),
        ("failed", NOT_DELIVERED),
        ("unknown", NOT_KNOWN),
        (None, NOT_DELIVERED),
    ],
)
def test_nothing_closes_before_the_announcement_was_sent(status: Status | None, obstacle: str) -> None:
    found = kept(silent(kept=Kept(since=MONDAY, announced_id=7), announced=status), MONDAY + 90 * H)
    assert (found.step, found.next_at, found.obstacle) == ("", None, obstacle)


def test_the_second_term_runs_from_when_it_was_sent_whatever_is_heard_later() -> None:
    announced = silent(kept=Kept(since=MONDAY, announced_id=7, obstacle=NOT_KNOWN), announced="sent")
    found = kept(announced, MONDAY + 80 * H)
    assert (found.step, found.next_at, found.obstacle) == ("close", MONDAY + 104 * H, "")
    assert kept(replace(announced, announced="read", kept=found), MONDAY + 90 * H) == found
    # Where nothing closes any more, what was said stays said.
    off = Terms([], chats=frozenset({"chat"}), propose_ms=1)
    gone = off.kept(replace(announced, kept=found), MONDAY + 90 * H)
    assert gone is not None and (gone.step, gone.next_at, gone.announced_at) == ("", None, MONDAY + 80 * H)


def test_where_it_could_not_be_said_it_is_not_tried_again() -> None:
    found = kept(silent("mail", kept=Kept(since=MONDAY, obstacle="no way")))
    assert (found.step, found.obstacle) == ("", "no way")


def test_the_first_term_that_fits_counts() -> None:
    terms = Terms(
        read_terms(
            (
                SilenceSettings(channel="chat", announce_after="1h"),
                SilenceSettings(team="shop", announce_after="2h"),
                SilenceSettings(announce_after="90m"),
            ),
            CHANNELS,
            TEAMS,
            "ru",
        )
    )
    lengths = {name: term.announce_ms for name in CHANNELS if (term := terms.of(name))}
    assert lengths == {"chat": H, "mail": 2 * H, "odd": 90 * M}
    term = terms.of("odd")
    assert term is not None and (term.topic, term.result, term.close_ms) == ("молчание", "нет ответа", 24 * H)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (SilenceSettings(announce_after="soon"), "silence[0].announce_after"),
        (SilenceSettings(announce_after="0h"), "silence[0].announce_after"),
        (SilenceSettings(announce_after="1h", close_after=""), "silence[0].close_after"),
        (SilenceSettings(announce_after="1h", channel="fax"), "silence[0].channel"),
        (SilenceSettings(announce_after="1h", team="night"), "silence[0].team"),
    ],
)
def test_what_is_wrong_says_where(settings: SilenceSettings, key: str) -> None:
    with pytest.raises(SettingError) as error:
        read_terms((settings,), CHANNELS, TEAMS, "en")
    assert error.value.key == key


def test_the_words() -> None:
    [term] = read_terms(
        (SilenceSettings(announce_after="7d", close_after="48h", text_by_language={"ru": "{site}: {term}"}),),
        CHANNELS,
        TEAMS,
        "en",
    )
    assert term.words("ru", "{term}") == "{term}: 2 дн."  # what stands for a name is not filled in itself
    assert "closed in 2 days." in term.words("en", "Shop")
    assert [wording.span("en", n * H) for n in (1, 24, 72)] == ["1 hour", "24 hours", "3 days"]
    assert wording.span("ru", 90 * M) == "90 мин."
    monday = at("2026-11-30 09:00")
    assert wording.moment("en-GB", monday, ZoneInfo("UTC")) == "Monday November 30, 06:00 (UTC)"
    moscow = wording.moment("ru", monday, ZoneInfo("Europe/Moscow"))
    assert moscow == "понедельник, 30 ноября, 09:00 (Europe/Moscow)"
    assert [wording.speaks(one, "en") for one in ("ru-RU", "de", "")] == ["ru", "en", "en"]
