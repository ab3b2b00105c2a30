"""Marks that only this installation makes, hints in a mail, and what they are believed for. Pure."""

from __future__ import annotations

import email
from email.policy import compat32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Bounce, Reference
from channels.email import identity
from channels.email.addresses import canonical
from channels.email.identity import Named
from channels.email.threads import checked, hints

KEY, OTHER = b"k" * 32, b"o" * 32
NUMBERS = st.integers(1, 10**12)


@given(NUMBERS, NUMBERS)
def test_each_mark_is_known_by_its_key_and_its_purpose(conversation: int, message: int) -> None:
    named = Named(conversation, message)
    address = identity.signed_address(KEY, conversation, message, "support@shop.example")
    marker = identity.marker(KEY, conversation, message)
    token = identity.subject_token(KEY, conversation)
    envelope = identity.envelope_id(KEY, conversation, message)
    assert identity.named_by_address(KEY, canonical(address.upper())) == named
    assert identity.named_by_marker(KEY, marker) == named
    assert identity.named_by_token(KEY, token) == Named(conversation, 0)
    assert identity.named_by_envelope(KEY, f" {envelope} ") == named
    assert identity.without_tag(address) == "support@shop.example"
    for read, mark in (
        (identity.named_by_address, address),
        (identity.named_by_marker, marker),
        (identity.named_by_token, token),
        (identity.named_by_envelope, envelope),
    ):
        assert read(OTHER, mark) is None
    # What one mark gives away opens no other.
    mac = envelope.rpartition(".")[2]
    stem = f"c{conversation}.m{message}"
    assert identity.named_by_address(KEY, f"support+{stem}.{mac}@shop.example") is None
    assert identity.named_by_marker(KEY, f"[ref:{stem}.{mac}]") is None


def test_an_address_that_would_be_too_long_stays_as_it_is() -> None:
    long = f"{'x' * 40}@shop.example"
    assert identity.signed_address(KEY, 1, 2, long) == long


@given(st.text(max_size=300))
def test_no_text_is_a_mark_by_chance(text: str) -> None:
    for read in (
        identity.named_by_id,
        identity.named_by_address,
        identity.named_by_marker,
        identity.named_by_token,
        identity.named_by_envelope,
    ):
        assert read(KEY, text) is None
    identity.find_markers(text)
    identity.find_tokens(text)


def test_hints_are_believed_in_this_order() -> None:
    ours = identity.message_id(KEY, 1, 2, "shop.example")
    signed = identity.signed_address(KEY, 3, 4, "support@shop.example")
    marker = identity.marker(KEY, 5, 6)
    token = identity.subject_token(KEY, 7)
    raw = (
        f"In-Reply-To: <theirs@x.example>\nReferences: <old@x.example> {ours}\nDelivered-To: {signed}\n"
        f"To: support+c9.m9.{'a' * 20}@shop.example\n\n"
    )
    message = email.message_from_string(raw, policy=compat32)
    found = hints(message, f"Re: {token} [#7-aaaaaa]", f"> {marker}\n")
    references, forged = checked(KEY, found, ())
    assert forged == 2
    assert [(one.kind, one.trusted) for one in references] == [
        ("address", True),
        ("id", True),
        ("id", False),
        ("id", False),
        ("marker", True),
        ("subject", False),
    ]
    assert [one.message_id for one in references] == [4, 2, None, None, 6, None]
    assert references[-1].conversation_id == 7
    assert [one.remote_id for one in references[2:4]] == ["<theirs@x.example>", "<old@x.example>"]


def test_without_the_key_nothing_is_trusted() -> None:
    found = (
        Reference(remote_id=identity.message_id(KEY, 1, 2, "shop.example")),
        Reference(remote_id=identity.marker(KEY, 1, 2), kind="marker"),
    )
    references, forged = checked(OTHER, found, ())
    assert forged == 1
    assert [(one.remote_id, one.trusted) for one in references] == [(found[0].remote_id, False)]


@pytest.mark.parametrize("by_envelope", [False, True])
def test_a_report_leads_to_the_mail_it_speaks_of(by_envelope: bool) -> None:
    ours = identity.message_id(KEY, 1, 2, "shop.example")
    bounce = Bounce(
        action="failed",
        original_message_id=None if by_envelope else ours,
        envelope_id=identity.envelope_id(KEY, 1, 2) if by_envelope else None,
    )
    [reference], forged = checked(KEY, (), (bounce,))
    assert (reference.message_id, reference.trusted, forged) == (2, True, 0)
    assert checked(OTHER, (), (bounce,)) == ((), 0)
