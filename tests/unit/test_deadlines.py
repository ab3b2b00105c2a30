"""Deadlines from the states that a conversation went through."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import deadline_rules, decode
from server.people.card_settings import SettingError
from server.protocol import DeadlineKind, Priority, State
from server.queue.deadlines import (
    MINUTE_MS,
    Change,
    DeadlineSettings,
    Measured,
    RoundTheClock,
    Rules,
    measure,
    read_rule,
    read_rules,
)
from server.queue.hours import Calendar, HoursSettings
from server.queue.timekeeper import change_of, nearest, step_of, still_true, told_now
from server.store.deadlines import Kept, Told
from server.store.transaction import Event
from server.tables import ConfigError

M = MINUTE_MS
TARGETS: dict[DeadlineKind, int] = {"first_reply": 8 * M, "next_reply": 20 * M, "resolution": 100 * M}
CLOCK = RoundTheClock()


def history(*moves: tuple[int, State]) -> list[Change]:
    return [Change(at * M, state) for at, state in moves]


def shown(found: list[Measured]) -> list[tuple[str, str, int, int | None, int | None]]:
    """Minutes."""
    return [
        (
            one.kind,
            one.status,
            one.since // M,
            None if one.due_at is None else one.due_at // M,
            None if one.spent_ms is None else one.spent_ms // M,
        )
        for one in found
    ]


def test_the_first_reply_and_the_resolution_run() -> None:
    found = measure(history((0, "open")), TARGETS, CLOCK)
    assert shown(found) == [("first_reply", "running", 0, 8, None), ("resolution", "running", 0, 100, None)]
    assert [one.warn_at for one in found] == [6 * M, 75 * M]


def test_each_later_turn_is_a_next_reply_and_only_open_time_counts_for_the_resolution() -> None:
    turns = history((0, "open"), (5, "waiting"), (60, "open"), (70, "snoozed"), (90, "open"), (95, "waiting"))
    assert shown(measure(turns, TARGETS, CLOCK)) == [
        ("first_reply", "done", 0, None, 5),
        (
            "next_reply",
            "done",
            60,
            None,
            35,
        ),  # who puts a conversation away does not stop the customer's clock
        ("resolution", "paused", 0, None, 20),
    ]
    again = measure([*turns, Change(200 * M, "open")], TARGETS, CLOCK)
    assert shown(again)[-2:] == [
        ("next_reply", "running", 200, 220, None),
        ("resolution", "running", 0, 280, None),
    ]


def test_closed_without_an_answer_is_neither_kept_nor_missed() -> None:
    found = measure(history((0, "open"), (50, "closed")), TARGETS, CLOCK)
    assert [(one.kind, one.status) for one in found] == [("first_reply", "dropped"), ("resolution", "done")]
    spam = [Change(0, "open"), Change(5, "closed", "apart")]
    assert {one.status for one in measure(spam, TARGETS, CLOCK)} == {"dropped"}


def test_a_conversation_that_we_began_owes_nothing_until_the_customer_answers() -> None:
    assert measure(history((0, "waiting")), TARGETS, CLOCK) == []
    assert shown(measure(history((0, "waiting"), (9, "open")), TARGETS, CLOCK))[0][:4] == (
        "first_reply",
        "running",
        9,
        17,
    )


def test_an_answer_that_did_not_arrive_was_none() -> None:
    failed = [Change(0, "open"), Change(4 * M, "waiting"), Change(5 * M, "open", "failed")]
    assert shown(measure(failed, TARGETS, CLOCK))[0] == ("first_reply", "running", 0, 8, None)


def test_without_a_first_reply_the_first_turn_is_a_next_reply() -> None:
    [found] = measure(history((3, "open")), {"next_reply": 10 * M}, CLOCK)
    assert (found.kind, found.due_at) == ("next_reply", 13 * M)


def test_where_there_are_no_hours_nobody_knows() -> None:
    never = Calendar(HoursSettings(time_zone="UTC"))
    running, resolution = measure(history((0, "open")), TARGETS, never)
    assert running.due_at is None and running.warn_at is None and resolution.due_at is None
    first, _ = measure(history((0, "open"), (5, "waiting")), TARGETS, never)
    assert (first.status, first.spent_ms) == ("done", None)


def test_business_time_and_not_the_clock() -> None:
    office = Calendar(HoursSettings(time_zone="UTC", friday="09:00-18:00", monday="09:00-18:00"))
    friday = int(datetime(2026, 11, 20, 17, 55, tzinfo=UTC).timestamp()) * 1000
    monday = int(datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()) * 1000
    first, _ = measure([Change(friday, "open")], TARGETS, office)
    assert first.due_at == monday + 3 * M
    done, _ = measure([Change(friday, "open"), Change(monday + M, "waiting")], TARGETS, office)
    assert done.spent_ms == 6 * M


STATES: list[State] = ["open", "waiting", "snoozed", "closed"]
moves = st.lists(st.tuples(st.integers(1, 500), st.sampled_from(STATES)), min_size=1, max_size=12).map(
    lambda parts: [
        Change(at * M, state)
        for at, state in zip(accumulate(gap for gap, _ in parts), (state for _, state in parts), strict=True)
    ]
)


@given(moves)
def test_whatever_happens_figures_are_sound(changes: list[Change]) -> None:
    found = measure(changes, TARGETS, CLOCK)
    assert len({(one.kind, one.since) for one in found}) == len(found)
    assert sum(one.kind == "first_reply" for one in found) <= 1
    replies = [one for one in found if one.kind != "resolution"]
    assert all(one.status in ("done", "dropped") for one in replies[:-1])
    for one in found:
        if one.status == "running":
            assert one.due_at is not None and one.warn_at is not None
            assert one.warn_at <= one.due_at and one.spent_ms is None
        else:
            assert one.due_at is None and one.spent_ms is not None and one.spent_ms >= 0
    if changes[-1].state == "closed":
        assert all(one.status in ("done", "dropped") for one in found)


@given(moves, moves)
def test_what_is_over_is_changed_by_nothing_later(before: list[Change], after: list[Change]) -> None:
    end = before[-1].at
    later = [Change(end + change.at, change.state) for change in after]
    known = [one for one in measure(before, TARGETS, CLOCK) if one.kind != "resolution" and one.ended_at]
    assert known == measure([*before, *later], TARGETS, CLOCK)[: len(known)]


def undone(at: int, state: State) -> Change:
    return Change(at * M, state, "undone")


def test_a_closing_that_was_taken_back_never_was() -> None:
    states: tuple[State, ...] = ("open", "snoozed")
    for state in states:
        turns = [*history((0, "open"), (2, "closed")), undone(3, state), *history((5, "waiting"))]
        found = measure(turns, {"first_reply": 8 * M, "next_reply": 20 * M}, CLOCK)
        assert shown(found) == [("first_reply", "done", 0, None, 5)]
    # Nobody waited for us when it was closed: nobody does now.
    turns = [*history((0, "open"), (2, "waiting"), (3, "snoozed"), (4, "closed")), undone(5, "snoozed")]
    assert len(measure(turns, {"first_reply": 8 * M, "next_reply": 20 * M}, CLOCK)) == 1


def test_a_snooze_that_was_taken_back_or_ended_early_owes_what_was_owed() -> None:
    for last in (undone(3, "open"), Change(3 * M, "open")):
        turns = [*history((0, "open"), (2, "snoozed")), last]
        found = measure(turns, {"first_reply": 8 * M}, CLOCK)
        assert shown(found) == [("first_reply", "running", 0, 8, None)]
    turns = [*history((0, "open"), (2, "closed"), (3, "waiting"), (4, "snoozed"), (5, "waiting"))]
    assert len(measure([*turns, undone(6, "snoozed")], TARGETS | {"next_reply": 20 * M}, CLOCK)) == 2


def test_to_the_resolution_a_deed_that_was_taken_back_never_was() -> None:
    for deed in ("closed", "snoozed"):
        turns = [*history((0, "open"), (2, deed)), undone(7, "open")]
        assert measure(turns, TARGETS, CLOCK) == measure(history((0, "open")), TARGETS, CLOCK)
    answered = history((0, "open"), (1, "waiting"), (2, "closed"))
    opened = [*answered, *history((5, "open")), undone(7, "closed")]
    assert measure(opened, TARGETS, CLOCK) == measure(answered, TARGETS, CLOCK)
    # One after the other, the last one first.
    turns = [*history((0, "open"), (2, "snoozed"), (3, "closed")), undone(4, "snoozed"), undone(5, "open")]
    assert measure(turns, TARGETS, CLOCK) == measure(history((0, "open")), TARGETS, CLOCK)


# --- rules ----------------------------------------------------------------------------------------------


def rules(*settings: DeadlineSettings) -> Rules:
    hours = {"office": HoursSettings(time_zone="UTC", monday="09:00-18:00")}
    channels = {"site": "office", "mail": "Mon-Fri 09:00-18:00", "shop": ""}
    return read_rules(settings, hours, channels, {"sales": ["shop"]})


def test_the_first_rule_that_fits_counts() -> None:
    found = rules(
        DeadlineSettings(channel="site", priority="urgent", first_reply="1m"),
        DeadlineSettings(channel="site", first_reply="5m"),
        DeadlineSettings(team="sales", resolution="1h30m"),
    )
    asked: list[tuple[str, Priority]] = [
        ("site", "urgent"),
        ("site", "low"),
        ("shop", "low"),
        ("mail", "urgent"),
    ]
    fitting = [found.rule_for(channel, priority) for channel, priority in asked]
    assert [rule.targets if rule else None for rule in fitting] == [
        {"first_reply": M},
        {"first_reply": 5 * M},
        {"resolution": 90 * M},
        None,
    ]
    assert found.measure(history((0, "open")), "mail", "normal") == []


def test_hours_are_the_rules_own_or_the_channels_or_the_clock() -> None:
    found = rules(DeadlineSettings(first_reply="5m"), DeadlineSettings(channel="mail", first_reply="5m"))
    named = rules(DeadlineSettings(first_reply="5m", hours="office"))
    rule, own = found.rule_for("site", "normal"), named.rule_for("mail", "normal")
    assert rule is not None and own is not None
    assert isinstance(found.hours_of(rule, "site"), Calendar)
    assert isinstance(found.hours_of(rule, "mail"), RoundTheClock)
    assert isinstance(named.hours_of(own, "mail"), Calendar)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (DeadlineSettings(), "deadlines[0]"),
        (DeadlineSettings(first_reply="soon"), "deadlines[0].first_reply"),
        (DeadlineSettings(resolution="0m"), "deadlines[0].resolution"),
        (DeadlineSettings(first_reply="5m", hours="night"), "deadlines[0].hours"),
        (DeadlineSettings(first_reply="5m", channel="fax"), "deadlines[0].channel"),
        (DeadlineSettings(first_reply="5m", team="night"), "deadlines[0].team"),
    ],
)
def test_a_wrong_rule_says_where(settings: DeadlineSettings, key: str) -> None:
    with pytest.raises(SettingError) as caught:
        rules(settings)
    assert caught.value.key == key


def test_a_rule_of_a_team_and_another_ones_channel_fits_nothing() -> None:
    rule = read_rule(DeadlineSettings(team="sales", channel="mail", first_reply="5m"), {"sales": ["shop"]})
    assert rule.channels == frozenset()


# --- what is told ---------------------------------------------------------------------------------------


def running(due: int, told: Told = Told()) -> Kept:  # noqa: B008 - it is frozen
    return Kept(
        Measured(
            kind="first_reply", since=0, target_ms=due, status="running", due_at=due, warn_at=due * 3 // 4
        ),
        told,
    )


def test_a_warning_and_a_breach_are_told_once_each() -> None:
    one = running(100)
    assert told_now(one, 74) == one
    warned = told_now(one, 75)
    assert (warned.level, warned.next_at) == ("risk", 100)
    assert told_now(warned, 99) == warned
    late = told_now(warned, 100)
    assert (late.level, late.next_at) == ("late", None)
    assert told_now(late, 1000) == late
    assert told_now(one, 500) == Kept(one.measured, Told(500, 500))  # both at once: the breach alone


def test_by_other_hours_what_is_due_later_is_told_again() -> None:
    later = running(1000).measured
    assert still_true(later, Told(75, 100), 200) == Told()
    assert still_true(running(100).measured, Told(75, 100), 200) == Told(75, 100)
    kept_after_all = Measured(kind="first_reply", since=0, target_ms=50, status="done", spent_ms=40)
    assert still_true(kept_after_all, Told(75, 100), 200) == Told(75, None)


def test_the_nearest_is_the_one_that_is_due_first() -> None:
    found = nearest([running(300), running(100, Told(75)), running(200)])
    assert found is not None and (found.due_at, found.level) == (100, "risk")
    assert nearest([]) is None


def event(seq: int, kind: str, operator_id: int | None = None, **data: object) -> Event:
    return Event(seq=seq, at=seq, kind=kind, conversation_id=7, operator_id=operator_id, data=data)


def test_what_events_say_of_states() -> None:
    assert change_of(event(1, "conversation.opened")) == Change(1, "open")
    assert change_of(event(1, "conversation.opened", 3, first=True)) == Change(1, "waiting")
    assert change_of(event(1, "conversation.opened", 3, state="open")) == Change(1, "open")
    assert change_of(event(2, "conversation.state", to="open", why="failed")) == Change(2, "open", "failed")
    assert change_of(event(2, "conversation.state", to="closed", spam=True)) == Change(2, "closed", "apart")
    assert change_of(event(2, "conversation.state", to="open", spam=False)) == Change(2, "open")
    step = step_of(
        [
            event(1, "conversation.opened"),
            event(2, "message.received"),
            event(3, "conversation.changed", fields=["tags"]),
            event(4, "conversation.regrouped", conversations=[8, 9]),
        ]
    )
    assert (step.up_to, step.touched, [one.seq for one in step.noted]) == (4, [7, 8, 9], [1])
    assert set(step.regrouped) == {8, 9}


# --- omni.toml ------------------------------------------------------------------------------------------

TOML = """
[hours.office]
time_zone = "Europe/Moscow"
monday = "09:00-18:00"

[[deadlines]]
priority = "urgent"
first_reply = "5m"

[[deadlines]]
next_reply = "1h30m"
hours = "office"
"""


def test_hours_and_deadlines_of_a_configuration(tmp_path: Path) -> None:
    found = decode(TOML.encode(), tmp_path / "omni.toml")
    assert found.hours["office"].monday == "09:00-18:00"
    assert [one.next_reply for one in found.deadlines] == ["", "1h30m"]
    rules_now = deadline_rules(found)
    assert deadline_rules(decode(TOML.encode(), tmp_path / "omni.toml")).text == rules_now.text
    other = decode(TOML.replace("18:00", "17:00").encode(), tmp_path / "omni.toml")
    assert deadline_rules(other).text != rules_now.text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (TOML.replace("first_reply", "frist_reply"), "deadlines[0].frist_reply"),
        (TOML.replace('"1h30m"', '"90 minutes"'), "deadlines[1].next_reply"),
        (TOML.replace("urgent", "highest"), "deadlines[0].priority"),
        (TOML.replace('hours = "office"', 'hours = "night"'), "deadlines[1].hours"),
        (TOML.replace("09:00-18:00", "09-18"), "hours.office.monday"),
        (TOML.replace("monday", "montag"), "hours.office.montag"),
        ('deadlines = "5m"', "deadlines"),
        ("deadlines = [5]", "deadlines[0]"),
        ("[hours]\noffice = 5", "hours.office"),
    ],
)
def test_what_is_wrong_in_a_configuration_says_where(text: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        decode(text.encode(), tmp_path / "omni.toml")
    assert caught.value.key == key
