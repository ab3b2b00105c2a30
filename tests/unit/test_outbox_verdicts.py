"""What a channel's answer means for a reply, and when it is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import BadCredentials, Failed, Retry, SendResult, Sent, Unknown, WindowClosed
from server.store.outbox import Leased
from server.verdicts import BACKOFF_S, CREDENTIALS_PAUSE_S, JITTER, backoff_ms, judge

NOW = 1_790_000_000_000
HOUR = 3600.0


def item(attempt: int = 1, age_s: float = 0) -> Leased:
    return Leased(
        message_id=1,
        conversation_id=1,
        customer_id=1,
        channel_id="mail",
        thread="t",
        lease="token",
        attempt=attempt,
        created_at=NOW - int(age_s * 1000),
        written_at=NOW - int(age_s * 1000),
        address="ivan@example.org",
        address_name="Ivan",
        text="hello",
        subject=None,
        author="Olga",
        remote_id=None,
    )


@pytest.mark.parametrize(
    ("result", "state", "why"),
    [
        (Sent(remote_id="x"), "sent", ""),
        (Failed("no such mailbox"), "failed", "no such mailbox"),
        (WindowClosed("24 hours are over"), "failed", "24 hours are over"),
        (Unknown("the link broke"), "unknown", "the link broke"),
        (Retry("busy"), "retrying", "busy"),
        (BadCredentials("535"), "retrying", "the channel's credentials: 535"),
    ],
)
def test_each_result_has_one_meaning(result: SendResult, state: str, why: str) -> None:
    verdict = judge(result, item(), NOW, HOUR, 0.0)
    assert (verdict.state, verdict.status, verdict.error) == (state, state, why)
    assert (verdict.due_at is not None) == (state == "retrying")


@pytest.mark.parametrize("attempt", range(1, 12))
@pytest.mark.parametrize("jitter", [-1.0, 0.0, 1.0])
def test_the_backoff_stays_in_its_bounds(attempt: int, jitter: float) -> None:
    base = BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1] * 1000
    assert base * (1 - JITTER) <= backoff_ms(attempt, jitter) <= base * (1 + JITTER)


@given(attempt=st.integers(1, 50), first=st.floats(-1, 1), second=st.floats(-1, 1))
def test_the_backoff_never_shrinks(attempt: int, first: float, second: float) -> None:
    longest = BACKOFF_S[-1] * 1000 * (1 + JITTER)
    if attempt < len(BACKOFF_S):
        assert backoff_ms(attempt, first) < backoff_ms(attempt + 1, second)
    assert 0 < backoff_ms(attempt, first) <= longest


def test_a_provider_that_names_a_time_is_heeded() -> None:
    assert judge(Retry("429", after=90.0), item(), NOW, HOUR, 0.0).due_at == NOW + 90_000
    assert judge(Retry("429", after=1.0), item(), NOW, HOUR, 0.0).due_at == NOW + 1_000
    # From the second attempt on it can only make us more patient.
    assert judge(Retry("429", after=1.0), item(2), NOW, HOUR, 0.0).due_at == NOW + BACKOFF_S[1] * 1000


def test_a_message_is_given_up_after_its_time_and_never_earlier() -> None:
    assert judge(Retry("busy"), item(4, age_s=2900), NOW, HOUR, 0.0).state == "retrying"
    late = judge(Retry("busy"), item(4, age_s=3100), NOW, HOUR, 0.0)
    assert (late.state, late.error) == ("failed", "given up after 4 attempts: busy")


@given(age_s=st.floats(0, 30 * 86_400), attempt=st.integers(1, 20))
def test_wrong_credentials_are_no_fault_of_the_message(age_s: float, attempt: int) -> None:
    verdict = judge(BadCredentials("535"), item(attempt, age_s), NOW, HOUR, 0.0)
    assert (verdict.state, verdict.due_at) == ("retrying", NOW + int(CREDENTIALS_PAUSE_S * 1000))


@given(after=st.none() | st.floats(allow_nan=True, allow_infinity=True), attempt=st.integers(1, 20))
def test_whatever_a_third_partys_adapter_says_there_is_a_verdict(after: float | None, attempt: int) -> None:
    verdict = judge(Retry("busy", after), item(attempt), NOW, 3 * 86_400.0, 0.0)
    if verdict.state == "retrying":
        assert verdict.due_at is not None
        assert NOW <= verdict.due_at <= NOW + 3 * 86_400_000
