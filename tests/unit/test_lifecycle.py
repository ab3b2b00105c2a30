"""Every move of a conversation, legal and illegal."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import lifecycle
from server.lifecycle import IllegalMoveError, Lifecycle, TakenError
from server.protocol import State

STATES: tuple[State, ...] = get_args(State)
OLGA, IVAN = 7, 8


def life(state: State, assignee: int | None = OLGA, since: int | None = None) -> Lifecycle:
    return Lifecycle(
        state=state,
        assignee_id=assignee,
        waiting_since=since if since is not None else (100 if state == "open" else None),
        sort_at=100,
        snooze_until=900 if state == "snoozed" else None,
        closed_at=100 if state == "closed" else None,
        topic="card" if state == "closed" else "",
        result="new one sent" if state == "closed" else "",
    )


def nobody_online(operator_id: int) -> bool:
    return False


def everybody_online(operator_id: int) -> bool:
    return True


MOVES: dict[str, Callable[[Lifecycle], Lifecycle]] = {
    "customer_wrote": lambda now: lifecycle.customer_wrote(now, 500, nobody_online),
    "replied": lambda now: lifecycle.replied(now, IVAN, 500),
    "reply_failed": lambda now: lifecycle.reply_failed(now, 500),
    "reply_arrived": lambda now: lifecycle.reply_arrived(now, 500),
    "claim": lambda now: lifecycle.claim(now, IVAN, OLGA),
    "assign": lambda now: lifecycle.assign(now, IVAN),
    "release": lifecycle.release,
    "close": lambda now: lifecycle.close(now, "card", "sent", 500),
    "reopen": lambda now: lifecycle.reopen(now, IVAN, 500),
    "snooze": lambda now: lifecycle.snooze(now, IVAN, 800, 500),
    "wake_early": lambda now: lifecycle.wake_early(now, 500),
}

# From each state: where each move leads. Whatever is not here is refused.
TABLE: dict[str, dict[State, State]] = {
    "customer_wrote": {"open": "open", "waiting": "open", "snoozed": "open", "closed": "open"},
    "replied": {"open": "waiting", "waiting": "waiting", "snoozed": "waiting", "closed": "waiting"},
    "reply_failed": {"open": "open", "waiting": "open", "snoozed": "open", "closed": "open"},
    "reply_arrived": {"open": "waiting", "waiting": "waiting", "snoozed": "snoozed", "closed": "closed"},
    "claim": {"open": "open", "waiting": "waiting", "snoozed": "snoozed"},
    "assign": {"open": "open", "waiting": "waiting", "snoozed": "snoozed"},
    "release": {"open": "open", "waiting": "waiting", "snoozed": "snoozed"},
    "close": {"open": "closed", "waiting": "closed", "snoozed": "closed"},
    "reopen": {"closed": "open"},
    "snooze": {"open": "snoozed", "waiting": "snoozed", "snoozed": "snoozed"},
    "wake_early": {"snoozed": "waiting"},  # open where the customer waits for us: below
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("move", MOVES)
def test_every_move_from_every_state(move: str, state: State) -> None:
    leads_to = TABLE[move].get(state)
    if leads_to is None:
        with pytest.raises(IllegalMoveError) as caught:
            MOVES[move](life(state))
        assert caught.value.hint
    else:
        assert MOVES[move](life(state)).state == leads_to


@given(
    state=st.sampled_from(STATES),
    moves=st.lists(st.sampled_from(sorted(MOVES)), max_size=12),
    since=st.none() | st.integers(1, 99),
)
def test_a_conversation_is_always_whole(state: State, moves: list[str], since: int | None) -> None:
    """Whatever happens to it: closed ones say when and what of, only snoozed ones sleep, open ones wait."""
    now = life(state, since=since if state in ("open", "snoozed") else None)
    for move in moves:
        if now.state in TABLE[move]:
            try:
                now = MOVES[move](now)
            except TakenError:
                continue
        closed = now.state == "closed"
        assert (now.closed_at is not None, bool(now.topic), bool(now.result)) == (closed, closed, closed)
        assert (now.snooze_until is not None) == (now.state == "snoozed")
        if now.state == "open":
            assert now.waiting_since is not None
        if now.state in ("waiting", "closed"):
            assert now.waiting_since is None
        assert now.sort_at > 0


def test_a_conversation_waits_since_the_first_unanswered_message() -> None:
    now = lifecycle.opened(100)
    assert (now.state, now.assignee_id, now.waiting_since, now.sort_at) == ("open", None, 100, 100)
    again = lifecycle.customer_wrote(now, 300, nobody_online)
    assert (again.waiting_since, again.sort_at) == (100, 100)
    answered = lifecycle.replied(again, OLGA, 400)
    assert (answered.waiting_since, answered.sort_at, answered.assignee_id) == (None, 400, OLGA)
    back = lifecycle.customer_wrote(answered, 500, nobody_online)
    assert (back.waiting_since, back.assignee_id) == (500, OLGA)


def test_a_closed_one_returns_to_its_operator_only_while_he_is_there() -> None:
    for online, holder in ((everybody_online, OLGA), (nobody_online, None)):
        reopened = lifecycle.customer_wrote(life("closed"), 500, online)
        assert (reopened.assignee_id, reopened.waiting_since) == (holder, 500)
    assert lifecycle.customer_wrote(life("waiting"), 500, nobody_online).assignee_id == OLGA


def test_a_reply_takes_what_nobody_has_and_leaves_what_somebody_has() -> None:
    assert lifecycle.replied(life("open", None), IVAN, 500).assignee_id == IVAN
    assert lifecycle.replied(life("open", OLGA), IVAN, 500).assignee_id == OLGA


@pytest.mark.parametrize(
    ("holder", "expect", "taken_by"),
    [(None, None, None), (OLGA, OLGA, None), (OLGA, None, OLGA), (None, OLGA, "nobody"), (OLGA, 99, OLGA)],
)
def test_claim_is_compare_and_set(holder: int | None, expect: int | None, taken_by: int | str | None) -> None:
    if taken_by is None:
        assert lifecycle.claim(life("open", holder), IVAN, expect).assignee_id == IVAN
        return
    with pytest.raises(TakenError) as caught:
        lifecycle.claim(life("open", holder), IVAN, expect)
    assert caught.value.holder_id == holder


def test_claiming_what_is_mine_already_is_harmless() -> None:
    mine = life("open", OLGA)
    assert lifecycle.claim(mine, OLGA, None) is mine
    assert lifecycle.claim(mine, OLGA, IVAN) is mine


@pytest.mark.parametrize(("topic", "result"), [("", "done"), ("card", ""), (" ", "done"), ("card", "\n")])
def test_closing_needs_a_topic_and_a_result(topic: str, result: str) -> None:
    with pytest.raises(IllegalMoveError, match="topic and a result"):
        lifecycle.close(life("open"), topic, result, 500)
    closed = lifecycle.close(life("open"), " card ", "sent\n", 500)
    assert (closed.topic, closed.result, closed.closed_at, closed.assignee_id) == ("card", "sent", 500, OLGA)


def test_a_snooze_wakes_where_it_was() -> None:
    for until in (500, 499):
        with pytest.raises(IllegalMoveError, match="past"):
            lifecycle.snooze(life("open"), IVAN, until, 500)
    asleep = lifecycle.snooze(life("open", None, since=50), IVAN, 800, 500)
    assert (asleep.assignee_id, asleep.snooze_until, asleep.waiting_since) == (IVAN, 800, 50)
    awake = lifecycle.wake(asleep, 801)
    assert (awake.state, awake.snooze_until, awake.waiting_since, awake.sort_at) == ("open", None, 50, 50)
    # The ball was with the customer: from now on it waits for us.
    awake = lifecycle.wake(lifecycle.snooze(life("waiting"), IVAN, 800, 500), 801)
    assert (awake.waiting_since, awake.sort_at) == (801, 801)


def test_who_ends_a_snooze_early_finds_it_as_it_was() -> None:
    asleep = lifecycle.snooze(life("open", since=50), IVAN, 800, 500)
    awake = lifecycle.wake_early(asleep, 600)
    assert (awake.state, awake.snooze_until, awake.waiting_since, awake.sort_at) == ("open", None, 50, 50)
    # The ball was with the customer, and is with him still.
    awake = lifecycle.wake_early(lifecycle.snooze(life("waiting"), IVAN, 800, 500), 600)
    assert (awake.state, awake.waiting_since, awake.sort_at) == ("waiting", None, 600)
    hints: dict[State, str] = {"closed": "reopen it first", "open": "it can be answered as it is"}
    for state, hint in hints.items():
        with pytest.raises(IllegalMoveError, match="not snoozed") as caught:
            lifecycle.wake_early(life(state), 600)
        assert caught.value.hint == hint


def test_a_failed_reply_gives_the_ball_back() -> None:
    back = lifecycle.reply_failed(life("waiting"), 500)
    assert (back.state, back.waiting_since, back.assignee_id) == ("open", 500, OLGA)
    settled = lifecycle.reply_arrived(back, 600)
    assert (settled.state, settled.waiting_since, settled.sort_at) == ("waiting", None, 600)


def test_a_failed_reply_wakes_what_was_put_away_on_the_strength_of_it() -> None:
    awake = lifecycle.reply_failed(lifecycle.snooze(life("waiting"), OLGA, 800, 400), 500)
    assert awake == Lifecycle(state="open", assignee_id=OLGA, waiting_since=500, sort_at=500)
    asleep = lifecycle.snooze(life("open"), OLGA, 800, 400)
    assert lifecycle.reply_failed(asleep, 500) == asleep, "he waits, and that was known"


def test_what_was_closed_after_a_reply_that_failed_is_open_and_nobodys() -> None:
    back = lifecycle.reply_failed(life("closed"), 500)
    assert back == Lifecycle(state="open", waiting_since=500, sort_at=500)


SINCE: dict[str, Callable[[Lifecycle], Lifecycle]] = {
    "nothing": lambda now: now,
    "assigned": lambda now: lifecycle.assign(now, OLGA),
    "released": lifecycle.release,
    "put away": lambda now: lifecycle.snooze(now, IVAN, 800, 500),
    "he wrote": lambda now: lifecycle.customer_wrote(now, 500, everybody_online),
}


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("state", ["open", "waiting", "snoozed"])
def test_a_reply_that_was_taken_back_changed_nothing_of_what_was_done_since(since: str, state: State) -> None:
    """IVAN answers; something happens; he takes the answer back: as if it alone had happened."""
    done, before = SINCE[since], life(state)
    after = lifecycle.replied(before, IVAN, 400)
    assert lifecycle.reply_withdrawn(done(after), before, after, 600) == done(before)


@pytest.mark.parametrize("since", ["nothing", "assigned", "released"])
def test_taken_back_what_was_nobodys_is_nobodys_or_whose_it_was_made_since(since: str) -> None:
    done, before = SINCE[since], life("open", assignee=None)
    after = lifecycle.replied(before, IVAN, 400)
    assert lifecycle.reply_withdrawn(done(after), before, after, 600) == done(before)


def test_what_was_closed_on_the_strength_of_an_answer_that_was_taken_back_is_open() -> None:
    before = life("open", since=50)
    after = lifecycle.replied(before, IVAN, 400)
    closed = lifecycle.close(after, "card", "sent", 500)
    assert lifecycle.reply_withdrawn(closed, before, after, 600) == before
    waited = life("waiting")
    after = lifecycle.replied(waited, IVAN, 400)
    closed = lifecycle.close(after, "card", "sent", 500)
    assert lifecycle.reply_withdrawn(closed, waited, after, 600) == closed, "nothing was owed"
    ended = life("closed")
    after = lifecycle.replied(ended, IVAN, 400)
    for now in (after, lifecycle.close(after, "card", "sent", 500)):
        assert lifecycle.reply_withdrawn(now, ended, after, 600).state == "open", (
            "its ending is in the history"
        )
