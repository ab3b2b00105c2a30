"""Letters on the screen, against a real server: recipients, warnings, forwards, sources, files."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from unittest.mock import patch

import pytest

from omni_console import own_programs
from omni_console.addressees import AddresseeError, Addressees, line_of, read
from omni_console.own_programs import OwnProgramError
from server.protocol import Addressee
from tests.fakes.post_desk import desk, opened
from tests.fakes.post_office import SUPPORT

ANNA, BOB, CAROL = "anna@x.example", "bob@y.example", "carol@z.example"


async def test_reply_to_all_and_to_whom_one_likes() -> None:
    async with desk() as (post, hands):
        await post.receive(f"Anna <{ANNA}>", "Where is it?", cc=f"Bob <{BOB}>", subject="Order 12")
        await opened(hands, "Where is it?")
        await hands.sees("also to bob@y.example")
        await hands.press("r")
        await hands.sees("not to 1 other (R)")
        await hands.press("escape", "R")
        await hands.sees("+ Bob <bob@y.example>")
        await hands.type("On its way")
        await hands.press("alt+r")
        await hands.sees("Whom the reply goes to")
        await hands.press("down", "down")
        await hands.type("nonsense")
        await hands.press("ctrl+j")
        await hands.sees("not an address: nonsense")
        await hands.press("ctrl+u")
        await hands.type(CAROL)
        await hands.press("ctrl+j")
        await hands.sees("(carol@z.example)")
        await hands.press("ctrl+j")
        await hands.until(lambda: post.smtp.mails, "sent")
        assert post.smtp.mails[0].rcpt_tos == [ANNA, BOB, CAROL]
        await hands.sees("anna@x.example ✓, cc bob@y.example ✓, bcc carol@z.example ✓")


async def test_a_file_of_ones_own_goes_along(tmp_path: Path) -> None:
    (tmp_path / "price.pdf").write_bytes(b"%PDF-1")
    async with desk() as (post, hands):
        await post.receive(ANNA, "What does it cost?")
        await opened(hands, "What does it cost?")
        await hands.press("alt+t")
        await hands.sees("Attach a file")
        await hands.type("/nowhere/x.pdf")
        await hands.press("enter")
        await hands.sees("cannot be read: No such file or directory")
        await hands.press("ctrl+u")
        await hands.type(str(tmp_path / "price.pdf"))
        await hands.press("enter")
        await hands.sees("⊞ price.pdf")
        await hands.type("See the list")
        await hands.press("ctrl+j")
        await hands.until(lambda: post.smtp.mails, "sent")
        [attached] = post.sent().iter_attachments()
        assert attached.get_filename() == "price.pdf"
        await hands.sees_no("⊞ price.pdf")


async def test_a_draft_keeps_its_recipients() -> None:
    async with desk() as (post, hands):
        first = await post.receive(ANNA, "Where is it?", cc=BOB)
        await opened(hands, "Where is it?")
        await hands.press("R")
        await hands.type("On its")
        await hands.press("escape")
        await hands.until(lambda: not hands.screen.desk.drafts.unsaved(), "saved")
        [draft] = await post.client.drafts()
        assert (draft.conversation_id, [one.address for one in draft.cc]) == (first.conversation_id, [BOB])


async def test_what_a_letter_pretends_is_said() -> None:
    async with desk() as (post, hands):
        await post.receive(f"Anna <{ANNA}>", "I am the real one")
        letter = (
            'From: "boss@bank.example" <anna@х.example>\r\nReply-To: thief@z.example\r\n'
            f"To: {SUPPORT}\r\nMessage-ID: <m@x>\r\n\r\npay now\r\n"
        )
        await post.receive_raw(letter.encode())
        await hands.sees("boss@bank.example")
        await hands.press("j", "enter")
        await hands.sees("! looks like anna@x.example, whom we know")
        await hands.sees("! the name claims another address: boss@bank.example")
        await hands.sees("! answers are asked to go elsewhere: thief@z.example")


async def test_a_suggestion_is_taken_up_with_one_key_and_taken_back() -> None:
    async with desk() as (post, hands):
        first = await post.receive(ANNA, "first words", subject="Invoice")
        second = await post.receive(ANNA, "second words", subject="Re: Invoice")
        assert first.conversation_id != second.conversation_id
        await hands.sees("second words")
        await hands.press("j", "enter")
        await hands.sees(f"may belong to #{first.conversation_id} (same subject): Y joins it")
        await hands.press("Y")
        await hands.sees("joined: one conversation now")
        assert (await post.message(second.id)).conversation_id == first.conversation_id
        await hands.press("u")
        await hands.sees("apart again")
        assert (await post.message(second.id)).conversation_id == second.conversation_id


async def test_forwarding_asks_for_whom() -> None:
    async with desk() as (post, hands):
        await post.receive(f"Anna <{ANNA}>", "My lamp is broken", subject="Lamp")
        await opened(hands, "My lamp is broken")
        await hands.press("f")
        await hands.sees("Forward the message of Anna")
        await hands.press("ctrl+j")
        await hands.sees("somebody must get it")
        await hands.type(CAROL)
        await hands.press("down", "down")
        await hands.type("Can you mend it?")
        await hands.press("ctrl+j")
        await hands.sees("what is answered to it is conversation #3")
        await hands.until(lambda: post.smtp.mails, "sent")
        assert post.smtp.mails[0].rcpt_tos == [CAROL]
        assert post.sent()["Subject"] == "Fwd: Lamp"


async def test_the_source_goes_to_the_pager_as_harmless_text() -> None:
    shown: list[str] = []
    async with desk() as (post, hands):
        raw = (
            f"From: {ANNA}\r\nTo: {SUPPORT}\r\nMessage-ID: <m@x>\r\nX-Odd: \x1b]0;owned\x07\x9b31m\r\n\r\n"
            "seen \u202e\r\n"
        )
        await post.receive_raw(raw.encode())
        await opened(hands, "seen")
        with (
            patch.object(own_programs, "show_in_pager", lambda text, environment: shown.append(text)),
            patch.object(hands.app, "suspend", contextlib.nullcontext),
        ):
            await hands.press("o")
            await hands.until(lambda: shown, "shown")
        assert "X-Odd: " in shown[0]
        assert not any(ord(char) < 32 and char != "\n" for char in shown[0])
        assert not set(shown[0]) & {"\x9b", "\u202e"}
        with patch.object(hands.app, "suspend", contextlib.nullcontext), patch.dict(os.environ, PAGER="cat"):
            await hands.press("o")  # the real thing ends by itself


async def test_files_are_saved_under_harmless_names(tmp_path: Path) -> None:
    body = (
        f"From: {ANNA}\r\nTo: {SUPPORT}\r\nMessage-ID: <m@x>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nsee the files\r\n'
        '--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="../../a.pdf"\r\n'
        "\r\n%PDF-1\r\n--b--\r\n"
    )
    async with desk() as (post, hands):
        await post.receive_raw(body.encode())
        await opened(hands, "see the files")
        await hands.press("space")
        await hands.sees("+ a.pdf  application/pdf  6 B")
        await hands.sees("here: new conversation")
        await hands.press("escape")
        with patch.dict(os.environ, XDG_DOWNLOAD_DIR=str(tmp_path / "down")):
            for name in ("a.pdf", "a (2).pdf"):
                await hands.press("D")
                await hands.sees("save it")
                await hands.press("2")
                await hands.until(lambda name=name: (tmp_path / "down" / name).exists(), name)  # type: ignore[misc]
        assert (tmp_path / "down" / "a.pdf").read_bytes() == b"%PDF-1"
        assert list(tmp_path.iterdir()) == [tmp_path / "down"]
        with patch.object(own_programs, "opener", lambda wanted: ["true"]):
            await hands.press("D")
            await hands.press("1")
            await hands.sees("opened")


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\\b\\c.txt", "c.txt"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00b\n.txt", "ab.txt"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 109 + ".pdf"),
        ("lone \udcff.txt", "lone .txt"),
    ],
)
def test_names_of_saved_files(name: str, left: str) -> None:
    assert own_programs.file_name(name) == left


def test_what_would_run_is_not_opened(tmp_path: Path) -> None:
    assert own_programs.runs("Rechnung.pdf.EXE")
    assert own_programs.runs("x.desktop")
    assert not own_programs.runs("Rechnung.pdf")
    with pytest.raises(OwnProgramError, match="save it instead"):
        own_programs.open_file(b"", "a.sh", "", ["true"])
    path = own_programs.open_file(b"data", "a.pdf", "application/pdf", ["true"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_lines_of_addressees() -> None:
    known = [Addressee(address=ANNA, name="Anna, B.")]
    line = line_of([*known, Addressee(address=BOB)])
    assert line == f'"Anna, B." <{ANNA}>, {BOB}'
    assert read(line, known) == (
        Addressee(address=ANNA, name="Anna, B."),
        Addressee(address=BOB, written=True),
    )
    assert read(" ; , ", known) == ()
    assert len(read(f"{BOB}; {BOB.upper()}", ())) == 1
    with pytest.raises(AddresseeError, match="bob"):
        read(f"{ANNA}, bob", known)
    assert Addressees(to=(known[0],), bcc=(Addressee(address=BOB),)).others(ANNA) == [f"({BOB})"]


async def test_what_the_provider_holds_for_spam_is_marked_and_not_lost() -> None:
    async with desk() as (post, hands):
        await post.receive(f"Anna <{ANNA}>", "Cheap watches", x_spam_flag="YES")
        await opened(hands, "Cheap watches")
        await hands.sees("marked as spam by the provider: X-Spam-Flag: YES")
        assert hands.text().count("spam?") == 2  # in the list, and over the conversation
        await post.receive(f"Anna <{ANNA}>", "No, really", in_reply_to="<in2@x.example>")
        await hands.sees("No, really")
        await hands.until(lambda: "spam?" not in hands.text(), "her next letter came through")


async def test_the_composer_says_that_the_letter_is_quoted() -> None:
    async with desk() as (post, hands):
        await post.receive(f"Anna <{ANNA}>", "Where is it?", subject="Order 12")
        await opened(hands, "Where is it?")
        await hands.press("r")
        await hands.sees("quoting the letter")
        await hands.press("escape", '"')
        await hands.until(lambda: "quoting the letter" not in hands.text(), "it quotes by itself")
        await hands.type("On its way")
        await hands.press("ctrl+j")
        await hands.until(lambda: post.smtp.mails, "sent")
        plain = post.sent().get_body(("plain",))
        assert plain is not None
        assert plain.get_content().count("Where is it?") == 1
        await hands.press("m")
        await hands.until(lambda: "quoting the letter" not in hands.text(), "a note quotes nothing")
