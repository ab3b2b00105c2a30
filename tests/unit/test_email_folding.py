"""Text → ranges of quotations and signatures, and that they never take a word away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from channels.base import Fold
from channels.email.folding import Hints, fold, transferred
from channels.email.html import render
from channels.folds import sound, unfolded

# Attributions and dividers of programs and languages that the corpus of mails does not hold.
INTRODUCTIONS = [
    "ср, 30 апр. 2025 г. в 15:19, John Doe <doe@example.com>:\n\nпривет",
    '28/10/2021, 12:46 пользователь "John Doe" <john@acme.example> написал:\n\n    Aenean quis',
    "   ----- Пересылаемое сообщение ----- От: J <j@acme.example>Кому: b@acme.example\n Aenean",
    "От: J D <j@acme.example>\nДата: четверг, 28 октября 2021 г. в 12:46\nКому: b@x.example\nТема: x\ntext",
    "*От:* Магазин <s@x.example>\n*Отправлено:* 21 ноября 2026 г. 10:15\n*Кому:* Иван\n*Тема:* x\n\nстарое",
    "чт, 19 нояб. 2026 г., 18:00 Иван Иванов <\nivan@x.example>:\n\nстарый текст",
    "Пятница, 20 ноября 2026, 10:15 +03:00 от Иван Иванов:\n>текст",
    "пт, 21 лист. 2026 р. о 10:15 Магазин <s@x.example> пише:\n\n> a",
    "---- On Wed, 24 Feb 2021 14:02:50 +0530 john@x.example wrote ----\n\nold",
    "pe 20. lokakuuta 2017 klo 17.50 John Coe\n<s.test@x.example> kirjoitti:\n\nThanks!",
    "-------- Oprindelig besked --------\nFra: A <a@x.example>\nDato: 04.07.2024  17.45\nTil: b\nEmne: x",
    "-------- Ein Satz in keiner Liste --------\nFra: A <a@x.example>\nDato: 04.07.2024  17.45\nEmne: x\n\ny",
    "From: Human Resources \n<long+1@x.example> \nSent: Monday, August 26, 2019 4:37 PM\nTo: A\nSubject: B",
    "Aa Bb <abc@x.example> schrieb am So., 23.\nJuni 2024, 21:08:\n\n> Hi",
    "2013/7/20 sam via Discourse Meta <info@x.example>\n\n> sam replied",
    "发件人: 店 <s@x.example>\n发送时间: 2026年11月20日 10:15\n收件人: 王\n主题: 订单\n\n您好",
    "Le ven. 20 nov. 2026 à 10:15, Boutique <s@x.example> a écrit :\n\n> Bonjour",
    "El vie, 20 nov 2026 a las 10:15, Tienda (<s@x.example>) escribió:\n\n> Hola",
    "W dniu 20.11.2026 o 10:15, Sklep pisze:\n> Dzień dobry\n> Pozdrawiam\n> Jan",
    "----------------\nКому: М (s@x.example);\nТема: Заказ;\n20.11.2026, 10:15, М <s@x.example>:\n> старое",
    "> Начало переадресованного сообщения:\n>\n> Отправитель: J <j@x.example>",
]


@pytest.mark.parametrize("history", INTRODUCTIONS)
def test_history_below_new_text_is_folded(history: str) -> None:
    text = f"Новый текст, две\nстроки.\n\n{history}\n"
    folds = fold(text)
    assert unfolded(text, folds) == "Новый текст, две\nстроки."
    assert [one.kind for one in folds] == ["quoted"]


@pytest.mark.parametrize("history", INTRODUCTIONS)
def test_history_alone_is_shown(history: str) -> None:
    assert fold(history) == ()


@pytest.mark.parametrize(
    "line",
    [
        "Отправлено с iPhone",
        "Отправлено с моего Xiaomi 13T",
        "Отправлено из мобильной Почты Mail.ru",
        "Отправлено из Яндекс Почты",
        "Отправлено с помощью Почты для Windows",
        "Получить Outlook для Android<https://aka.ms/AAb9ysg>",
        "Надіслано з iPhone",
        "Sent from my TI-85",
        "Sent from my cell, please excuse any typos.",
        "Get Outlook for iOS",
        "Envoyé de mon iPhone",
        "Von meinem iPhone gesendet",
        "從我的 iPhone 傳送",
        "--\nАнна\nтел. 123",
        "-- \nАнна\n\nООО «Вектор»\nтел. 123",
        "—\nАнна",
        "--\nАнна\n\nОтправлено из Почты Mail",
    ],
)
def test_signatures(line: str) -> None:
    text = f"Текст.\n\n{line}\n"
    folds = fold(text)
    assert unfolded(text, folds) == "Текст."
    assert [one.kind for one in folds] == ["signature"]


@pytest.mark.parametrize(
    "text",
    [
        "Отправлено с курьером вчера.",
        "Список:\n--\nчайник\n--\nутюг",
        "Please ship\nFrom: Berlin\nTo: Paris\nDate: 5 May",
        "Итого:\n--\n" + "\n".join(f"строка {n}" for n in range(20)),
        "В понедельник я писал:\nверните деньги.",
        "Вчера в 10:15 менеджер написал:\nждите.\nЯ жду.",
        "a > b\nb > c",
        "Ошибка:\nSQL> select 1\nSQL> select 2\n\nSQL> select 3\nSQL> exit",
        "Ошибка:\n> npm install\nчто делать?",
        "-- \nАнна",
        "# Итоги\n----\n\n1. раз\n\n----\n\nконец",
        "Привет!\n\nAm 13.05.2026 um 09:05 schrieb Shop:\n> Wann?\n\nMorgen.",
        "20.11.2026 10:15, Магазин пишет:\n> Размер?\nXL\n> Цвет?\nСиний",
        "",
        "\n\n",
    ],
)
def test_unsure_is_shown(text: str) -> None:
    assert fold(text) == ()


def test_answers_between_the_lines_stay_whole_and_only_what_is_announced_below_them_is_folded() -> None:
    answers = "> Размер?\nXL\n> Цвет?\nСиний"
    text = f"{answers}\n\n-----Исходное сообщение-----\nОт: X\n\nстарое"
    assert unfolded(text, fold(text)) == answers


def test_a_long_quotation_between_texts_is_folded() -> None:
    quoted = "\n".join(f"> строка {n}" for n in range(8))
    text = f'До.\n\n20.11.2026, 10:15, "X" <a@x.example>:\n{quoted}\n\nПосле.'
    assert unfolded(text, fold(text)) == "До.\n\nПосле."


def test_unattributed_lines_need_a_header_that_answers() -> None:
    text = "Да.\n\n> один"
    assert fold(text) == ()
    assert unfolded(text, fold(text, Hints(answers=True))) == "Да."


def test_marks_of_html() -> None:
    page = render(
        "<div>Да.</div><div class='gmail_signature'>Анна<br>тел.</div>"
        "<div class='yahoo_quoted'>когда-то<br>было</div>"
    )
    folds = fold(page.text, Hints(quoted=page.quoted, signature=page.signature))
    assert unfolded(page.text, folds) == "Да."
    assert [one.kind for one in folds] == ["signature", "quoted"]


def test_marks_of_html_are_found_again_in_the_plain_text() -> None:
    page = render("<div>Ответ.</div><div id='divRplyFwdMsg'><b>X:</b> a</div><p>Прежнее письмо, длинное.</p>")
    plain = "Ответ.\n\nX: a\n\nПрежнее   письмо,\nдлинное.\n"
    ((begin, end),) = transferred(page.quoted, page.text, plain)
    assert plain[begin:end] == "X: a\n\nПрежнее   письмо,\nдлинное.\n"
    assert transferred(page.quoted, page.text, "Ответ без цитаты.") == ()


def test_a_mail_cannot_bring_marks_of_its_own() -> None:
    page = render("<p>a\ufdd0b\ufdd1c</p><pre>\ufdd2d</pre><img alt='\ufdd0x' src=y>")
    assert page.quoted == page.signature == ()
    assert not any("\ufdd0" <= char <= "\ufdd3" for char in page.text)


LINES = st.sampled_from(
    [
        "",
        " ",
        "Текст.",
        "> цитата",
        ">> глубже",
        "-- ",
        "--",
        "Анна",
        "Отправлено с iPhone",
        "От: X <x@x.example>",
        "Отправлено: 20 ноября 2026 г. 10:15",
        "Кому: Y",
        "Тема: Z",
        "________________________________",
        "-----Original Message-----",
        "20.11.2026, 10:15, X <x@x.example>:",
        "X wrote:",
        "\xa0",
        "\ufeff",
        "a\rb",
    ]
)
RANGES = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=4).map(tuple)


@limits(max_examples=400, deadline=None)
@given(st.lists(LINES, max_size=30).map("\n".join) | st.text(max_size=300), RANGES, RANGES, st.booleans())
def test_folds_are_sorted_disjoint_inside_and_leave_something(
    text: str, quoted: tuple[tuple[int, int], ...], signature: tuple[tuple[int, int], ...], answers: bool
) -> None:
    folds = fold(text, Hints(quoted=quoted, signature=signature, answers=answers))
    assert sound(folds, text) == folds
    position, pieces = 0, []
    for one in folds:
        pieces += [text[position : one.start], text[one.start : one.end]]
        position = one.end
    assert "".join([*pieces, text[position:]]) == text
    left = unfolded(text, folds)
    assert len(left) + sum(one.end - one.start for one in folds) == len(text)
    assert left.strip() or not folds


@given(st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=8), st.text(max_size=40))
def test_whatever_an_adapter_gives_becomes_sound(ranges: list[tuple[int, int]], text: str) -> None:
    folds = sound([Fold(kind="quoted", start=start, end=end) for start, end in ranges], text)
    assert sound(folds, text) == folds
    assert len(unfolded(text, folds)) == len(text) - sum(one.end - one.start for one in folds)
