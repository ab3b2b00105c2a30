"""Where an inbound message goes: the order of the candidates, in every combination."""

from __future__ import annotations

import itertools

import pytest

from server.cases.placement import Candidate, place

BORDER = 1_000  # closed before this is closed too long ago
REFERENCE = Candidate(1, "open", None, "by reference")
OLD_REFERENCE = Candidate(1, "closed", 1, "by reference")
THREAD = Candidate(2, "waiting", None, "same thread")
LATE_THREAD = Candidate(2, "closed", BORDER, "same thread")
OLD_THREAD = Candidate(2, "closed", BORDER - 1, "same thread")
ACTIVE = Candidate(3, "snoozed", None, "open conversation")
LATELY = Candidate(4, "closed", BORDER, "closed lately")
LONG_AGO = Candidate(4, "closed", BORDER - 1, "closed lately")


def where(
    reference: Candidate | None = None,
    thread: Candidate | None = None,
    active: Candidate | None = None,
    lately: Candidate | None = None,
    *,
    automatic: bool = False,
) -> int | None:
    placed = place(
        by_reference=reference,
        by_thread=thread,
        active=active,
        lately_closed=lately,
        reopen_after=BORDER,
        automatic=automatic,
    )
    assert placed.reason
    return placed.conversation_id


@pytest.mark.parametrize(
    ("reference", "thread", "active", "lately"),
    itertools.product(
        (None, REFERENCE, OLD_REFERENCE),
        (None, THREAD, LATE_THREAD, OLD_THREAD),
        (None, ACTIVE),
        (None, LATELY, LONG_AGO),
    ),
)
def test_the_first_that_fits_wins(
    reference: Candidate | None, thread: Candidate | None, active: Candidate | None, lately: Candidate | None
) -> None:
    fitting = [
        reference,
        thread if thread is not OLD_THREAD else None,
        active,
        lately if lately is not LONG_AGO else None,
    ]
    expected = next((candidate.conversation_id for candidate in fitting if candidate), None)
    assert where(reference, thread, active, lately) == expected


def test_automatic_mail_follows_a_reference_and_nothing_else() -> None:
    assert where(REFERENCE, THREAD, ACTIVE, LATELY, automatic=True) == 1
    assert where(None, THREAD, ACTIVE, LATELY, automatic=True) is None


def test_the_reason_is_the_candidates() -> None:
    placed = place(
        by_reference=None,
        by_thread=THREAD,
        active=ACTIVE,
        lately_closed=None,
        reopen_after=BORDER,
        automatic=False,
    )
    assert placed.reason == "same thread"
