"""What is wrapped in mails: winmail.dat, invitations, uuencoded files, encrypted and signed parts, names."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from channels.email.attached import shown_name
from channels.email.body import take_uuencoded, unflow
from channels.email.charset import codec_name, decode, guess
from channels.email.invitation import read_invitation
from channels.email.mail import read_mail
from channels.email.tnef import TnefError, unpack, unpack_rtf
from tests.fakes.mail_corpus import attached, headed_mail, multipart, part


def attribute(level: int, identifier: int, data: bytes) -> bytes:
    return (
        struct.pack("<BHHI", level, identifier, 0, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    )


def tnef(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def wide(name: int, text: str) -> bytes:
    data = text.encode("utf-16-le") + b"\0\0"
    return struct.pack("<HHII", 0x1F, name, 1, len(data)) + data + b"\0" * (-len(data) % 4)


def test_winmail_with_text_and_files() -> None:
    named = struct.pack("<HH16sII", 0x03, 0x8001, b"g" * 16, 0, 7) + struct.pack("<I", 1)
    many = struct.pack("<HHI", 0x1002, 0x0001, 2) + struct.pack("<II", 1, 2)
    properties = struct.pack("<I", 3) + named + many + wide(0x1000, "Привет")
    data = tnef(
        attribute(1, 0x9007, struct.pack("<I", 1251)),
        attribute(1, 0x9003, properties),
        attribute(2, 0x9002, b"\0" * 14),
        attribute(2, 0x8010, "Счёт.pdf".encode("cp1251") + b"\0"),
        attribute(2, 0x800F, b"%PDF"),
        attribute(2, 0x9002, b"\0" * 14),
        attribute(2, 0x9005, struct.pack("<I", 1) + wide(0x3707, "../вложение.txt")),
        attribute(2, 0x800F, b"text"),
    )
    unpacked = unpack(data)
    assert unpacked.text == "Привет"
    assert [(file.name, file.data) for file in unpacked.files] == [
        ("Счёт.pdf", b"%PDF"),
        ("../вложение.txt", b"text"),
    ]
    mail = read_mail(multipart("mixed", attached("winmail.dat", "application/ms-tnef", data)))
    assert mail.content.text == "Привет"
    assert [one.name for one in mail.content.attachments] == ["Счёт.pdf", "вложение.txt"]


def test_a_broken_winmail_is_attached_as_it_is() -> None:
    data = tnef(attribute(1, 0x9003, b"x" * 40))[:-20]
    with pytest.raises(TnefError):
        unpack(data)
    mail = read_mail(multipart("mixed", attached("winmail.dat", "application/ms-tnef", data)))
    assert [one.name for one in mail.content.attachments] == ["winmail.dat"]


@limits(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 60), max_size=8))
def test_no_winmail_breaks_the_reader(data: bytes, cuts: list[int]) -> None:
    whole = tnef(attribute(1, 0x9003, data), attribute(2, 0x9002, b""), attribute(2, 0x9005, data))
    for cut in [0, *cuts]:
        try:
            unpack(whole[: len(whole) - cut])
        except TnefError:
            assert cut
    unpack_rtf(data)


def test_packed_rtf() -> None:
    # The example of [MS-OXRTFCP] 3.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_an_invitation_in_words() -> None:
    source = (
        "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nSUMMARY:Встреча\\, важная\r\n"
        "DTSTART;VALUE=DATE:20261125\r\nDTEND;VALUE=DATE:20261127\r\nRRULE:FREQ=DAILY\r\n"
        'ATTENDEE;CN="Петров; Иван";PARTSTAT=ACCEPTED:mailto:i@x.example\r\n'
        "BEGIN:VALARM\r\nDESCRIPTION:reminder\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    invitation = read_invitation(source.encode())
    assert invitation is not None
    assert invitation.summary == "Встреча, важная"
    assert invitation.text.split("\n") == [
        "[Answer to an invitation]",
        "What: Встреча, важная",
        "When: 2026-11-25 – 2026-11-27 (not included)",
        "Repeats: FREQ=DAILY",
        "People: Петров; Иван <i@x.example> (accepted)",
    ]
    assert read_invitation(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR") is None


@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda text: f"BEGIN:VEVENT\n{text}".encode()))
def test_no_calendar_breaks_the_reader(data: bytes) -> None:
    read_invitation(data)


def test_uuencoded_files() -> None:
    text = "до\nbegin 644 a.txt\n%:&5L;&\\\n`\nend\nпосле\nbegin 644 b\nне код\n"
    left, files = take_uuencoded(text)
    assert left == "до\n[file]\nпосле\nbegin 644 b\nне код\n"
    assert files == [("a.txt", b"hello")]


def test_encrypted_mail_says_what_it_is() -> None:
    raw = headed_mail("From: a@x.example\nContent-Type: application/pkcs7-mime; smime-type=signed-data", b"x")
    assert "signed (S/MIME)" in read_mail(raw).content.facts["security"]
    armour = b"-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n-----END PGP MESSAGE-----"
    mail = read_mail(headed_mail("From: a@x.example", armour))
    assert "encrypted (PGP)" in mail.content.facts["security"]
    assert "BEGIN PGP MESSAGE" in mail.content.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.doc", "a.doc"),
        ("C:autoexec.bat", "autoexec.bat"),
        ("~/.bashrc", "bashrc"),
        ("a\x00b\nc.txt", "a b c.txt"),
        ("отчёт\u202efdp.exe", "отчётfdp.exe"),
        ("..", ""),
        ("a/", ""),
        ("x" * 300 + ".pdf", "x" * 115 + "….pdf"),
        ("dots...", "dots"),
    ],
)
def test_names_to_show(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@given(st.text(max_size=200))
def test_no_name_is_a_path(name: str) -> None:
    shown = shown_name(name)
    assert not set(shown) & set("/\\\x00\n\r\x1b")
    assert shown not in (".", "..")
    assert shown == shown_name(shown)


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("gb18030", "您好，请问我的订单什么时候发货？谢谢。"),
        ("euc_kr", "안녕하세요. 제 주문은 어디에 있습니까? 감사합니다"),
        ("shift_jis", "こんにちは。私の注文はどこですか？よろしくお願いします。"),
        ("big5", "您好，請問我的訂單什麼時候出貨？謝謝。"),
        ("iso2022_jp", "こんにちは。私の注文はどこですか？"),
        ("utf-16", "Здравствуйте, где заказ?"),
    ],
)
def test_sets_without_a_label_are_guessed(codec: str, text: str) -> None:
    assert guess(text.encode(codec)) == text


RUSSIAN = "Здравствуйте! Где мой заказ? Жду уже неделю."


@pytest.mark.parametrize("codec", ["utf-8", "cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1251", "koi8-r", "utf-8", "iso-8859-5", "cp866"])
def test_a_lying_label_is_overruled(codec: str, label: str) -> None:
    assert decode(RUSSIAN.encode(codec), label) == RUSSIAN


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("iso-8859-1", "Où est ma commande? Déjà deux semaines, c'est très gênant, mes chères élèves."),
        ("iso-8859-1", "Müßiggang für Äpfel und Übergrößen, schöne Grüße"),
        ("cp1250", "Gdzie jest moje zamówienie? Proszę o odpowiedź, żółć, ąęśćńół"),
        ("koi8-u", "Доставка ще не прийшла, їжак"),
        ("cp1251", "Доставка ще не прийшла, їжак, ґанок"),
    ],
)
def test_an_honest_label_is_believed(codec: str, text: str) -> None:
    assert decode(text.encode(codec), codec) == text


@given(
    st.binary(max_size=200), st.sampled_from(["utf-7", "utf-16", "raw_unicode_escape", "hz", "koi8-r", ""])
)
def test_no_half_character_comes_out(data: bytes, label: str) -> None:
    decode(data, label).encode("utf-8")


def test_escapes_are_no_charset() -> None:
    assert codec_name("raw_unicode_escape") == codec_name("unicode_escape") == ""


def test_flowed_lines_of_a_megabyte() -> None:
    assert unflow("word \n" * 200_000, delsp=False).count("\n") == 0


def test_a_mail_of_100000_parts_is_attached_whole() -> None:
    raw = headed_mail(
        "From: a@x.example\nContent-Type: multipart/mixed; boundary=q", b"--q\r\n\r\nx\r\n" * 100_000
    )
    mail = read_mail(raw)
    assert [one.name for one in mail.content.attachments] == ["message.eml"]
    assert "part delimiters" in mail.problems[0]


def test_dashes_in_a_text_are_no_parts() -> None:
    text = part("text/plain", b"-- a comment\r\n" * 5_000)
    assert read_mail(multipart("mixed", text)).content.text.count("-- a comment") == 5_000


def test_headers_are_cut_while_they_are_read() -> None:
    # Whole, the library would spend minutes on each of these.
    quoted = b'Content-Type: text/plain; x="' + b";" * 2_000_000
    mail = read_mail(
        headed_mail("From: a@x.example\nContent-Type: multipart/mixed; boundary=q", b"--q\r\n" + quoted)
    )
    assert mail.author is not None
    words = read_mail(headed_mail("From: a@x.example\nSubject: " + "=?utf-8?q?x?= " * 100_000, b"hello"))
    assert words.content.text == "hello"


def test_twenty_megabytes_of_base64() -> None:
    data = b"x" * 15_000_000
    mail = read_mail(
        multipart("mixed", part("text/plain", b"hi"), attached("a.bin", "application/pdf", data))
    )
    assert mail.content.text == "hi"
    assert len(mail.content.attachments[0].data or b"") == len(data)
    doubled = multipart("mixed", *[attached(f"{n}.bin", "application/pdf", data) for n in range(4)])
    kept = [one.problem for one in read_mail(doubled).content.attachments]
    assert kept == ["", "", "", "left out: the mail unpacks to more than 50 MB"]


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\r\n\r\n"])
def test_what_stands_before_the_header(prefix: bytes) -> None:
    assert read_mail(prefix + headed_mail("From: a@x.example\nSubject: hi", b"text")).subject == "hi"


def test_lines_that_end_twice() -> None:
    raw = headed_mail("From: a@x.example\nSubject: hi", b"text").replace(b"\r\n", b"\r\r\n")
    assert read_mail(raw).content.text == "text"


def test_base64_pictures_in_the_text_are_inline() -> None:
    picture = part(
        "image/png; name=a.png",
        base64.encodebytes(b"png"),
        "Content-Transfer-Encoding: base64\r\nContent-ID: <1>\r\nContent-Disposition: inline; filename=a.png",
    )
    raw = multipart("related", part("text/html", b"<p>Look: <img src='cid:1' alt='chart'></p>"), picture)
    mail = read_mail(raw)
    assert mail.content.text == "Look: [image: chart]"
    assert [(one.name, one.inline) for one in mail.content.attachments] == [("a.png", True)]


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize(
    "text",
    [
        "ГДЕ МОЙ ЗАКАЗ? ЖДУ УЖЕ НЕДЕЛЮ! ВЕРНИТЕ ДЕНЬГИ",
        "СРОЧНО! ПОЗВОНИТЕ МНЕ",
        "Спасибо",
        "Счёт на оплату",
        "где посылка",
        "Re: заказ 15",
        "Ольга Щукина",
        "Съешь ещё этих мягких французских булок, да выпей чаю",
    ],
)
def test_short_and_loud_russian_is_guessed_and_its_honest_label_believed(codec: str, text: str) -> None:
    assert guess(text.encode(codec)) == text
    assert decode(text.encode(codec), codec) == text


INNER = (
    b"From: b@x.example\r\nSubject: =?utf-8?b?0JfQsNC60LDQtw==?=\r\nX-Long: " + b"x" * 20_000 + b"\r\n"
    b"Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\nContent-Type: message/rfc822\r\n\r\n"
    b"From: c@x.example\n\nline ends are mixed\r\n--inner--"
)


def test_a_picture_that_the_text_shows_is_inline_whatever_it_says() -> None:
    said = "Content-ID: <a b@x>\r\nContent-Disposition: attachment; filename=a.png"
    page = part("text/html", b"<p>Look</p><img src='CID:a%20b@x'>")
    mail = read_mail(multipart("related", page, part("image/png", b"png", said), part("image/png", b"png")))
    assert [one.inline for one in mail.content.attachments] == [True, False]


def test_a_mail_inside_of_a_mail_is_attached_byte_for_byte() -> None:
    mail = read_mail(multipart("mixed", part("text/plain", b"see"), part("Message/RFC822", INNER)))
    [one] = mail.content.attachments
    assert (one.name, one.content_type, one.kind) == ("Заказ.eml", "message/rfc822", "message")
    assert one.data == INNER
    assert mail.content.types == ["multipart/mixed", "text/plain", "message/rfc822"]


def test_a_mail_that_is_nothing_but_another_mail() -> None:
    mail = read_mail(b"From: a@x.example\r\nContent-Type: message/rfc822\r\n\r\n" + INNER)
    assert [one.data for one in mail.content.attachments] == [INNER]
    assert mail.author is not None
    assert mail.author.address == "a@x.example"


def test_words_about_types_stay_as_they_are_written() -> None:
    text = b"Your mail has\r\nContent-Type: message/rfc822\r\nand that is wrong."
    assert "Content-Type: message/rfc822" in read_mail(headed_mail("From: a@x.example", text)).content.text


def test_a_digest() -> None:
    inner = b"\r\nFrom: b@x.example\r\nSubject: one\r\n\r\nfirst"
    mail = read_mail(multipart("digest", inner))
    assert [one.name for one in mail.content.attachments] == ["one.eml"]
