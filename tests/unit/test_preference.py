"""The channel on which a person is best reached."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from server.people.preference import Habit, Said, habits, preferred, span

TITLES = {"mail": "e-mail", "site": "site chat", "bot": "Telegram"}
MIN = 60_000


def said(*spoken: tuple[str, int, bool]) -> list[Said]:
    return [Said(channel, minute * MIN, ours) for channel, minute, ours in spoken]


def test_where_he_writes_most() -> None:
    found = habits(said(("mail", 1, False), ("site", 2, False), ("site", 3, False), ("site", 4, False)))
    best = preferred(found, TITLES, {"site": "c"})
    assert best is not None
    assert (best.channel_id, best.mark, best.stated) == ("site", "c", False)
    assert best.why == "wrote 3 of 4 here in 180 days"


def test_how_soon_he_answers_us_is_measured_by_channel() -> None:
    found = habits(
        said(
            ("mail", 0, False),
            ("mail", 1, True),
            ("mail", 2, True),
            ("site", 3, False),
            ("mail", 6, False),  # 4 minutes after our last word there
            ("mail", 7, False),  # nobody asked
        )
    )
    assert {habit.channel_id: (habit.wrote, habit.answers_in) for habit in found} == {
        "mail": (3, 4 * MIN),
        "site": (1, None),
    }
    best = preferred(found, TITLES, {})
    assert best is not None and best.why == "wrote 3 of 4 here in 180 days, answers within 4 min"


@pytest.mark.parametrize(
    ("found", "channel"),
    [
        ([Habit("mail", 10, 600 * MIN), Habit("bot", 10, 2 * MIN)], "bot"),
        ([Habit("mail", 11, 600 * MIN), Habit("bot", 10, 2 * MIN)], "bot"),
        ([Habit("mail", 15, 600 * MIN), Habit("bot", 5, 2 * MIN)], "mail"),
        ([Habit("mail", 10, None), Habit("bot", 10, 2 * MIN)], "bot"),
        ([Habit("gone", 100, 1), Habit("bot", 1, None)], "bot"),
    ],
)
def test_speed_decides_only_between_equals_and_lost_channels_do_not_count(
    found: Sequence[Habit], channel: str
) -> None:
    best = preferred(found, TITLES, {})
    assert best is not None and best.channel_id == channel


def test_what_he_asked_for_always_wins() -> None:
    best = preferred([Habit("bot", 100, 1)], TITLES, {"mail": "@"}, stated="mail")
    assert best is not None
    assert (best.channel_id, best.why, best.stated, best.mark) == ("mail", "asked for it", True, "@")
    again = preferred([Habit("bot", 100, 1)], TITLES, {}, stated="gone")
    assert again is not None and again.channel_id == "bot"


def test_nobody_wrote() -> None:
    assert preferred([], TITLES, {}) is None
    assert preferred(habits(said(("mail", 1, True))), TITLES, {}) is None


@pytest.mark.parametrize(
    ("ms", "words"), [(1, "1 min"), (4 * MIN, "4 min"), (100 * MIN, "2 h"), (3 * 1440 * MIN, "3 days")]
)
def test_spans(ms: int, words: str) -> None:
    assert span(ms) == words
