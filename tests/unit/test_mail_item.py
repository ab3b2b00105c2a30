"""By what a mail is known again, what our own address means, and what a ledger says. Pure."""

from __future__ import annotations

import msgspec
import pytest

from channels.base import InboundEvent, Missing, Placed
from channels.email.bookmark import Bookmark
from channels.email.imap import Meta
from channels.email.ledger import ANOTHER, NEVER_TAKEN, account
from channels.email.mail_item import archived, dedupe_key, likeness, mail_delivery, place_of, stub_key
from channels.email.mailbox_name import from_modified_utf7, modified_utf7
from channels.email.parse import parse
from tests.fakes.mail_account import settings
from tests.fakes.mail_corpus import plain

MAIL = plain(1, text="One line.\r\nAnother line.")


@pytest.mark.parametrize(
    "same",
    [
        b"Received: from x by y; today\r\nDelivered-To: info@shop.example\r\n" + MAIL,
        MAIL.replace(b"\r\n", b"\n"),
        MAIL + b"\r\n\r\n",
        MAIL.replace(b"Subject: A question", b"Subject: A\r\n question"),
        MAIL.replace(b"Subject:", b"SUBJECT:"),
        MAIL.replace(b"\r\n\r\n", b"\r\nAuthentication-Results: mx; spf=pass\r\n\r\n", 1),
    ],
    ids=["another way", "unix lines", "blank end", "folded", "upper case", "stamped"],
)
def test_the_same_mail_however_it_came(same: bytes) -> None:
    assert dedupe_key(same) == dedupe_key(MAIL)


@pytest.mark.parametrize(
    "other",
    [
        plain(1, text="One line.\r\nAnother line!"),
        plain(2, text="One line.\r\nAnother line."),
        plain(1, subject="Another question", text="One line.\r\nAnother line."),
        plain(1, sender="eve@customer.example", text="One line.\r\nAnother line."),
        MAIL.replace(b"10:00:00", b"10:00:01"),
        b"",
    ],
    ids=["body", "id", "subject", "author", "date", "nothing"],
)
def test_another_mail(other: bytes) -> None:
    assert dedupe_key(other) != dedupe_key(MAIL)


def test_what_we_sent_and_what_came_back_stay_two() -> None:
    assert dedupe_key(MAIL, "sent") != dedupe_key(MAIL)


def test_without_an_id_every_byte_of_the_header_counts() -> None:
    bare = plain(1, message_id="")
    assert dedupe_key(bare) == dedupe_key(bare.replace(b"\r\n", b"\n"))
    assert dedupe_key(bare) != dedupe_key(b"X-Other: 1\r\n" + bare)
    assert likeness(bare) == ""


def test_a_large_mail_is_hashed_in_pieces_alike() -> None:
    large = plain(1, text="x" * 3_000_000)
    assert dedupe_key(large) == dedupe_key(large.replace(b"\r\n", b"\n"))


def test_stubs() -> None:
    assert stub_key(b"a", 1, "p") == stub_key(b"a", 1, "q") != stub_key(b"a", 2, "p")
    assert stub_key(b"", 1, "p") != stub_key(b"", 1, "q")


def test_names_of_folders_go_both_ways() -> None:
    for name in ("INBOX", "Входящие", "a & b", "Gesendete Objekte", "送信済み", "&"):
        assert from_modified_utf7(modified_utf7(name)) == name
    assert from_modified_utf7("&broken") == "&broken"
    assert from_modified_utf7("&//8-x") in ("&//8-x", "\uffffx")


# --- our own address ------------------------------------------------------------------------------------

ALIASED = settings(aliases=("info@shop.example",))


def _event(raw: bytes, **meta: str) -> InboundEvent:
    place = place_of("INBOX", 1, Meta(1, len(raw), 1_790_000_000_000), raw)
    delivery = mail_delivery(ALIASED, place, raw)
    [event] = parse(raw, {**delivery.meta, **meta})
    return event


def _from_us(to: str = "anna@customer.example", sender: str = "Olga <support@shop.example>") -> bytes:
    return plain(1, sender=sender).replace(b"To: support@shop.example", f"To: {to}".encode())


@pytest.mark.parametrize("sender", ["support@shop.example", "Info <INFO@shop.example>"])
def test_what_only_says_that_it_is_ours_is_kept_apart(sender: str) -> None:
    event = _event(_from_us(sender=sender))
    assert event.is_echo
    assert "own loop" in event.quarantine


def test_what_lies_in_the_sent_folder_is_ours() -> None:
    event = _event(_from_us("Anna <anna@customer.example>, info@shop.example"), role="sent")
    assert (event.kind, event.is_echo, event.quarantine) == ("message", True, "")
    assert event.thread == "anna@customer.example"
    assert event.sender.name == "Olga"
    assert all(one.address != "info@shop.example" for one in event.correspondents)


def test_a_loop_in_the_sent_folder_is_our_own_copy() -> None:
    looped = b"X-Omni-Console-Loop: support@shop.example\r\n" + _from_us()
    assert "own loop" in _event(looped).quarantine
    event = _event(looped, role="sent")
    assert (event.kind, event.quarantine) == ("message", "")
    assert not event.text.startswith("[A mail of this channel")


def test_a_mail_to_ourselves_alone_has_no_thread() -> None:
    assert _event(_from_us("info@shop.example"), role="sent").thread == ""


def test_which_of_our_addresses_a_mail_was_for_is_told() -> None:
    event = _event(plain(1).replace(b"support@", b"info@"))
    assert event.detail["addressed_to"] == "info@shop.example"
    assert "addressed_to" not in _event(plain(1)).detail


def test_an_archive_tells_ours_from_theirs_by_the_author() -> None:
    ours, theirs = archived(ALIASED, _from_us()), archived(ALIASED, plain(1))
    assert (ours.meta["role"], theirs.meta["role"]) == ("sent", "")
    assert ours.dedupe_key.startswith("sent:")
    assert theirs.dedupe_key == dedupe_key(plain(1))
    undated = plain(1).replace(b"Date: Sat, 21 Nov 2026 10:00:00 +0300\r\n", b"")
    stamped = b"Received: from a by b;\r\n Sat, 21 Nov 2020 10:00:00 +0000\r\n" + undated
    assert archived(ALIASED, stamped).meta["internal_date"] == "1605952800000"
    assert archived(ALIASED, undated).meta["internal_date"] == ""


# --- the ledger -----------------------------------------------------------------------------------------

MARK = Bookmark(uidvalidity=7, last_uid=10, floor=5_000, newest=9_000, start_uid=2)


def _placed(number: int, state: str = "taken", date: int = 6_000) -> Placed:
    return msgspec.convert({"number": number, "size": 1, "date": date, "state": state}, Placed)


def test_each_mail_of_the_server_is_in_one_column() -> None:
    placed = {
        3: _placed(3),
        4: _placed(4, "received"),
        5: _placed(5, "quarantined"),
        6: _placed(6),
        9: _placed(9),
    }
    metas = {uid: Meta(uid, 1, 6_000) for uid in (3, 4, 5, 7)} | {6: Meta(6, 1, 7_777)}
    found = account("INBOX", MARK, [1, 2, 3, 4, 5, 6, 7, 8, 11], placed, metas)
    assert (found.kept, found.taken, found.waiting, found.quarantined) == (9, 1, 1, 1)
    assert (found.before, found.arriving, found.gone) == (2, 2, 1)
    assert found.unaccounted == (Missing(number=6, why=ANOTHER), Missing(number=7, why=NEVER_TAKEN))
    columns = found.taken + found.waiting + found.quarantined + found.before + found.arriving
    assert columns + len(found.unaccounted) == found.kept


def test_after_a_renumbering_the_date_tells_what_lay_there_before() -> None:
    mark = msgspec.structs.replace(MARK, start_uid=0)
    metas = {1: Meta(1, 1, 4_000), 2: Meta(2, 1, 5_001)}
    found = account("INBOX", mark, [1, 2], {}, metas)
    assert (found.before, [one.number for one in found.unaccounted]) == (1, [2])
