"""What refusals mean: for one recipient, for the mail, for the channel. Pure."""

from __future__ import annotations

import pytest

from channels.base import BadCredentials, Failed, Fate, Paused, Retry, SendResult, Sent, Unknown
from channels.email.smtp import by_code, outcome
from server.bounced import matching
from server.cases.placement import plain_subject
from server.protocol import Recipient
from server.verdicts import Verdict, summed, words_of

A, B, C = "a@x.example", "b@x.example", "c@x.example"
NO = Fate(B, "failed", "550 no")
LATER = Fate(C, "retry", "451 later")


@pytest.mark.parametrize(
    ("fates", "handed_over", "accepted", "expected"),
    [
        ([], Sent(), [A], Sent),
        ([], Sent(), [A, B], Sent),
        ([NO], Sent(), [A], Failed),
        ([LATER], Sent(), [A], Retry),
        ([NO, LATER], Sent(), [A], Retry),
        ([NO, LATER], Unknown("?"), [A], Unknown),
        ([NO], None, [], Failed),
        ([NO, LATER], None, [], Retry),
        ([NO], Retry("452 full"), [A], Retry),
        ([NO], Failed("554 spam"), [A], Failed),
        ([NO], BadCredentials("535"), [A], BadCredentials),
        ([NO], Paused("limit"), [A], Paused),
    ],
)
def test_a_mail_to_several(
    fates: list[Fate], handed_over: SendResult | None, accepted: list[str], expected: type[object]
) -> None:
    result = outcome(fates, handed_over, accepted)
    assert type(result) is expected
    if isinstance(result, Sent | Retry | Failed | Unknown):
        named = {fate.address for fate in result.fates}
        whole = {fate.address for fate in fates} | set(accepted)
        assert named == (whole if len(whole) > 1 else set())


@pytest.mark.parametrize(
    ("code", "words", "at", "expected"),
    [
        (552, "5.2.2 mailbox full", "recipient", Failed),
        (452, "4.2.2 over quota", "sender", Paused),
        (552, "5.2.2 your storage quota is exceeded", "sender", Paused),
        (552, "5.3.4 message too big", "sender", Failed),
        (421, "4.7.0 too many concurrent connections", "connect", Retry),
        (421, "4.7.28 rate limited", "connect", Paused),
        (554, "5.7.1 daily sending quota exceeded", "data", Paused),
        (554, "5.7.1 spam", "data", Failed),
        (550, "5.7.30 basic authentication is not supported", "sender", BadCredentials),
        (535, "5.7.8 bad password", "connect", BadCredentials),
    ],
)
def test_every_refusal_has_one_meaning(code: int, words: str, at: str, expected: type[object]) -> None:
    assert type(by_code(code, words, at)) is expected


def to(address: str, state: str, detail: str = "") -> Recipient:
    made = Recipient(role="to", address=address, detail=detail)
    made.state = state  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    ("states", "before", "after"),
    [
        (["sent", "sent"], "sent", "sent"),
        (["sent", "failed"], "sent", "failed"),
        (["sent", "unknown"], "sent", "unknown"),
        (["failed", "unknown"], "failed", "unknown"),
        (["failed", "retry"], "retrying", "retrying"),
        (["failed"], "failed", "failed"),
    ],
)
def test_the_sum_of_what_became_of_each(states: list[str], before: str, after: str) -> None:
    named = [to(f"{number}@x.example", state) for number, state in enumerate(states)]
    named.append(Recipient(role="reply_to", address="r@x.example"))
    assert summed(Verdict(before, "sent", "said"), named).state == after


def test_words_say_who_has_it_and_who_not() -> None:
    named = [to(A, "sent"), to(B, "failed", "550 no"), to(C, "delayed")]
    assert words_of(named) == f"not delivered to {B} (550 no); delayed to {C}; delivered to {A}"
    assert words_of([to(A, "sent")]) == ""


def test_whom_a_report_means() -> None:
    assert matching([to(A, "sent"), to(B, "sent")], "B@X.EXAMPLE") == B
    assert matching([to(A, "sent"), to(B, "sent")], "new@home.example") == ""
    assert matching([to(A, "sent")], "new@home.example") == A
    assert matching([], A) == ""


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("RE: Fwd: Order 12", "order 12"),
        ("Re[2]: Отв:  Заказ", "заказ"),
        ("AW: WG: [#4-abcdef] Rechnung", "rechnung"),
        ("Refund", "refund"),
        ("Re:", ""),
        (None, ""),
    ],
)
def test_subjects_as_they_are_compared(subject: str | None, plain: str) -> None:
    assert plain_subject(subject) == plain
