"""When a channel counts as cut off, and what is said of it to whom. Pure."""

from __future__ import annotations

from channels.base import ChannelHealth
from server.cut_off import ALARM_MS, CutOff, Owner

TITLES = {"mail": "Support", "tg": "Telegram", "site": "Site chat"}
OWNERS = {"mail": Owner("olga", frozenset({"olga"})), "tg": Owner("shop", frozenset({"ivan", "rita"}))}


def away() -> ChannelHealth:
    return ChannelHealth(state="retrying", detail="connection refused")


def test_after_five_minutes_everybody_hears_it_and_who_answers_for_it() -> None:
    watch = CutOff(TITLES, OWNERS)
    watch.note("mail", away(), 0)
    assert watch.text(ALARM_MS - 1) == ""
    watch.note("mail", away(), ALARM_MS - 1)  # tried again in vain: it is away since then
    assert watch.text(ALARM_MS) == "cut off: Support (olga)"
    assert watch.text(ALARM_MS, "ivan") == watch.text(ALARM_MS)
    assert watch.text(ALARM_MS, "olga") == "cut off: Support (yours)"
    watch.note("mail", ChannelHealth(state="connected"), ALARM_MS)
    assert watch.text(2 * ALARM_MS) == ""
    watch.note("mail", away(), ALARM_MS)
    assert watch.text(ALARM_MS + 1) == ""


def test_ones_own_come_first_and_a_team_answers_as_one() -> None:
    watch = CutOff(TITLES, OWNERS)
    watch.note("mail", ChannelHealth(state="bad_credentials"), 0)
    watch.note("tg", ChannelHealth(state="starting"), 0)
    watch.note("site", ChannelHealth(state="stopped"), 0)
    assert watch.text(ALARM_MS, "rita") == "cut off: Telegram (yours), Support (olga)"


def test_nobody_is_named_where_nobody_answers_and_few_of_many() -> None:
    watch = CutOff({}, {})
    for name in "abcde":
        watch.note(name, away(), 0)
    one = "nobody's"
    assert watch.text(ALARM_MS) == f"cut off: a ({one}), b ({one}), c ({one}) and 2 more"
