"""What is answered, below the answer: how much of it, under which line, and that it is known again as a
quotation in our own copy and in every answer that quotes it in turn."""

from __future__ import annotations

import email
import html
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Fold, Quotation
from channels.email.addresses import Mailbox
from channels.email.message import Draft, build
from channels.email.parse import parse
from channels.folds import unfolded
from omni_console.demo.customers import above_quotation
from server import wording
from server.cases.quoting import line_over, new_words
from server.protocol.quotes import quotes_by_hand
from server.store.threads import Said

MOSCOW = ZoneInfo("Europe/Moscow")
AT = 1_793_703_720_000  # 2026-11-03 11:02 UTC

LINES = {
    "en": wording.wrote("en", AT, MOSCOW, "Anna Schmidt"),
    "ru": wording.wrote("ru", AT, MOSCOW, "Анна Шмидт"),
    "utc": wording.wrote("en-GB", AT, None, "anna@x.example"),
}
ANSWER = {
    "en": "It leaves today.\n\nAnything else?",
    "ru": "Отправим сегодня.\n\nЕщё что-нибудь?",
    "utc": "Today.",
}
LETTERS = ["Where is my order?", "Где мой заказ?\n\nНомер 1042.\nЖду неделю.", "> so I thought\n\n-- \nAnna"]


def said(text: str = "", name: str = "Anna Schmidt") -> Said:
    return Said(id=1, address="anna@x.example", name=name, at=AT, text=text, folds=[])


def letter(answer: str, quotation: Quotation | None, signature: str = "", marker: str = "") -> bytes:
    return build(
        Draft(
            sender="support@shop.example",
            sender_name="Shop",
            to=[Mailbox("", "anna@x.example")],
            subject="Re: Order",
            text=answer,
            answered=quotation,
            signature=signature,
            marker=marker,
            message_id="<c1.m2.abc@shop.example>",
            references=["<in1@x.example>"],
            date=AT + 60_000,
        )
    )


def parts(raw: bytes) -> tuple[str, str]:
    mail = email.message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return plain.get_content().replace("\r\n", "\n"), rich.get_content().replace("\r\n", "\n")


def shown(raw: bytes, role: str = "") -> str:
    """What of a mail is not folded."""
    [event] = parse(raw, {"address": "support@shop.example", "role": role})
    return unfolded(event.text, event.folds).strip()


def without(raw: bytes, subtype: str) -> bytes:
    """The same mail with only the other one of its two texts."""
    plain, rich = parts(raw)
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "a@x.example", "Re: Order", "<x1@x.example>"
    mail["In-Reply-To"] = "<in1@x.example>"
    mail.set_content(*((rich, "html") if subtype == "plain" else (plain,)))
    return mail.as_bytes()


# --- how much of it, under which line -----------------------------------------------------------------


def test_the_line_over_it() -> None:
    assert LINES == {
        "en": "On 3 Nov 2026 at 14:02, Anna Schmidt wrote:",
        "ru": "3 ноября 2026 г. в 14:02 Анна Шмидт пишет:",
        "utc": "On 3 Nov 2026 at 11:02 UTC, anna@x.example wrote:",
    }
    assert line_over("en", said(name=""), None).endswith(", anna@x.example wrote:")


def test_a_name_is_one_short_line_whatever_it_holds() -> None:
    line = line_over("en", said(name="A\r\nBcc: x@y.example\x1b[31m\u2028{time}" + "n" * 500), MOSCOW)
    assert line.startswith("On 3 Nov 2026 at 14:02, A Bcc: x@y.example [31m {time}nn")
    assert len(line.splitlines()) == 1
    assert len(line) < 130


def test_only_what_was_new_is_quoted() -> None:
    text = "When?\n\n\n\n\nAnna\n\n-- \nAnna Ltd\n\nOn Monday Shop wrote:\n> before"
    begin = text.index("-- ")
    assert new_words(text, [Fold(kind="quoted", start=begin, end=len(text))], 100) == "When?\n\nAnna"
    assert new_words("  \n\t\n", [], 100) == ""
    assert new_words("    code", [], 100) == "    code"


def test_a_long_letter_ends_at_a_word() -> None:
    words = new_words("word " * 400, [], 1_000)
    assert words.endswith("word\n[…]")
    assert len(words) < 1_006
    assert new_words("x" * 400, [], 100) == "x" * 100 + "\n[…]"


@given(st.text(max_size=400), st.integers(min_value=100, max_value=300))
def test_hostile_words_stay_inside_of_the_quotation(text: str, most: int) -> None:
    words = new_words(text, [], most)
    assert len(words) <= most + 4
    assert not any(ord(char) < 32 and char not in "\n\t" for char in words)
    plain, rich = parts(letter("Answer", Quotation(LINES["en"], words)))
    below = plain.split("wrote:\n", 1)[1].removesuffix("\n")
    assert all(line.startswith(">") for line in below.splitlines())
    inside = rich.split("<blockquote", 1)[1].split(">", 1)[1].split("</blockquote>", 1)[0]
    assert "<" not in inside.replace("<br>\n", "")


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("> Where?\n\nHere.", True),
        ("Here.\n>> Where?", True),
        ("a > b\n5 -> 6", False),
        ("", False),
        (">\n> \nnothing", False),
    ],
)
def test_whoever_quotes_by_hand(text: str, quotes: bool) -> None:
    assert quotes_by_hand(text) is quotes


# --- how it is written --------------------------------------------------------------------------------


def test_both_texts_of_an_answer() -> None:
    words = "Where is <b>it</b>?\n\n  **soon**  \nhttp://evil.example/x.png"
    plain, rich = parts(letter("*Here*", Quotation(LINES["en"], words), "Shop\nMon-Fri", "[ref:x]"))
    assert plain == (
        "*Here*\n\n-- \nShop\nMon-Fri\n\n[ref:x]\n\nOn 3 Nov 2026 at 14:02, Anna Schmidt wrote:\n"
        "> Where is <b>it</b>?\n>\n>   **soon**\n> http://evil.example/x.png\n"
    )
    assert '<div class="gmail_quote"><div dir="auto" class="gmail_attr">On 3 Nov 2026 at 14:02' in rich
    assert '<blockquote class="gmail_quote" type="cite"' in rich
    assert "Where is &lt;b&gt;it&lt;/b&gt;?<br>\n<br>\n&nbsp;&nbsp;**soon**" in rich
    assert "<em>Here</em>" in rich
    assert not {"<img", "<a ", "<strong>"} & {tag for tag in ("<img", "<a ", "<strong>") if tag in rich}


@pytest.mark.parametrize("language", LINES)
def test_customers_of_the_demo_look_at_what_is_above_the_quotation(language: str) -> None:
    answer = ANSWER[language]
    for words in LETTERS:
        plain, _ = parts(letter(answer, Quotation(LINES[language], words)))
        assert above_quotation(plain) == answer
    assert above_quotation(answer + "\n") == answer
    assert above_quotation("Red:\n\n> Which?") == "Red:\n\n> Which?"
    assert above_quotation("> Which?\n\nRed.") == "> Which?\n\nRed."


# --- known again --------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["", "Shop\nMon-Fri 9-18"])
@pytest.mark.parametrize("words", LETTERS)
@pytest.mark.parametrize("language", LINES)
def test_our_own_copy_shows_our_own_words(language: str, words: str, signature: str) -> None:
    raw = letter(ANSWER[language], Quotation(LINES[language], words), signature)
    for version in (raw, without(raw, "plain"), without(raw, "html")):
        assert shown(version, "sent") == ANSWER[language]


def quoted_again(program: str, plain: str, rich: str) -> EmailMessage:
    """The customer's next letter, in which his program quotes the whole of ours."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Anna Schmidt <anna@x.example>", "support@shop.example"
    mail["Subject"], mail["Message-ID"] = "Re: Order", "<in2@x.example>"
    mail["In-Reply-To"] = "<c1.m2.abc@shop.example>"
    marked = "\n".join(f"> {line}".rstrip() for line in plain.splitlines())
    inner = rich.split("<body>", 1)[1].split("</body>", 1)[0]
    if program == "gmail":
        line = "Tue, 3 Nov 2026 at 14:10, Shop <support@shop.example> wrote:"
        mail.set_content(f"Thanks!\n\n{line}\n\n{marked}\n")
        attr = f'<div dir="ltr" class="gmail_attr">{html.escape(line)}<br></div>'
        quote = f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{inner}</blockquote>'
        body = f'<div dir="ltr">Thanks!</div><br><div class="gmail_quote">{attr}{quote}</div>'
    elif program == "outlook":
        head = "From: Shop <support@shop.example>\nSent: Tuesday, November 3, 2026 2:10 PM\n"
        head += "To: Anna\nSubject: Re: Order"
        mail.set_content(f"Thanks!\n\n{'_' * 32}\n{head}\n\n{plain}")
        rows = "<br>".join(
            f"<b>{row.partition(':')[0]}:</b>{html.escape(row.partition(':')[2])}" for row in head.split("\n")
        )
        body = (
            f'<div>Thanks!</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">{rows}</div>{inner}'
        )
    elif program == "yandex":
        line = '03.11.2026, 14:10, "Shop" <support@shop.example>:'
        mail.set_content(f"Thanks!\n\n{line}\n{marked}\n")
        body = f"<div>Thanks!</div><div>{html.escape(line)}</div><blockquote>{inner}</blockquote>"
    else:
        line = "Вторник, 3 ноября 2026, 14:10 +03:00 от Shop <support@shop.example>:"
        mail.set_content(f"Thanks!\n\n{line}\n{marked}\n")
        body = f"<div>Thanks!</div><blockquote>{html.escape(line)}<br>{inner}</blockquote>"
    mail.add_alternative(f"<html><body>{body}</body></html>", subtype="html")
    return mail


@pytest.mark.parametrize("program", ["gmail", "outlook", "yandex", "mail.ru"])
@pytest.mark.parametrize("words", LETTERS)
@pytest.mark.parametrize("language", LINES)
def test_an_answer_that_quotes_us_in_turn_shows_what_is_new(language: str, words: str, program: str) -> None:
    plain, rich = parts(letter(ANSWER[language], Quotation(LINES[language], words), "Shop", "[ref:x]"))
    raw = quoted_again(program, plain, rich).as_bytes()
    for version in (raw, without(raw, "plain"), without(raw, "html")):
        assert shown(version) == "Thanks!"
