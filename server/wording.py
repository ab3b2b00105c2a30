"""What the server itself writes to customers, in the site's language. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

Phrase = Literal[
    "code",
    "code_subject",
    "link",
    "confirm",
    "confirm_subject",
    "continued",
    "page_title",
    "page_ask",
    "page_warn",
    "page_button",
    "page_done",
    "page_over",
    "page_later",
    "closing",
    "silence",
    "no_answer",
    "away",
    "away_open",
    "wrote",
]

_PHRASES: dict[str, dict[Phrase, str]] = {
    "en": {
        "code": "Your code: {code}\n\nTell it in the conversation that you are having with {site}. It is good"
        " for {minutes} minutes, once. If you are having none, ignore this message and tell nobody the code.",
        "code_subject": "Your code",
        "link": "You can go on with this conversation in {title}: {url}\n\nThe link works once, within"
        " {minutes} minutes.",
        "confirm": "Somebody who is in a conversation with {site} said that this address is theirs. If that"
        " is you, confirm it here, and go on by writing from this address:\n\n{url}\n\nThe link works once,"
        " within {minutes} minutes. If it is not you, do nothing.",
        "confirm_subject": "Is this your address?",
        "continued": "goes on in {title}",
        "page_title": "Your address and {site}",
        "page_ask": "Somebody who is in a conversation with {site} said that this address is theirs.",
        "page_warn": "Confirm it only if that is you.",
        "page_button": "Yes, this is my address",
        "page_done": "Thank you. Write to us from this address, and the conversation goes on.",
        "page_over": "This link does not work any more. Ask for another one in the conversation.",
        "page_later": "It cannot be stored just now. Please try again in a minute.",
        "closing": "We have not heard from you for a while. If you need nothing more, there is nothing to do:"
        " this conversation will be closed in {term}. Write at any time, and we go on.",
        "silence": "silence",
        "no_answer": "no answer",
        "away": "Thank you, we have your message. Nobody is here just now; you will have an answer when we"
        " are back: {opens}.",
        "away_open": "{day} {month} {number}, {time} ({zone})",
        "wrote": "On {number} {month} {year} at {time}, {name} wrote:",
    },
    "ru": {
        "code": "Ваш код: {code}\n\nНазовите его в разговоре, который вы ведёте с «{site}». Он действует"
        " {minutes} мин., один раз. Если вы ни с кем не разговариваете, не отвечайте и никому не называйте"
        " код.",
        "code_subject": "Ваш код",
        "link": "Этот разговор можно продолжить в {title}: {url}\n\nСсылка сработает один раз, в течение"
        " {minutes} мин.",
        "confirm": "Человек, который ведёт разговор с «{site}», сказал, что это его адрес. Если это вы,"
        " подтвердите здесь и продолжайте писать с этого адреса:\n\n{url}\n\nСсылка сработает один раз, в"
        " течение {minutes} мин. Если это не вы, ничего не делайте.",
        "confirm_subject": "Это ваш адрес?",
        "continued": "продолжает в {title}",
        "page_title": "Ваш адрес и «{site}»",
        "page_ask": "Человек, который ведёт разговор с «{site}», сказал, что это его адрес.",
        "page_warn": "Подтверждайте, только если это вы.",
        "page_button": "Да, это мой адрес",
        "page_done": "Спасибо. Напишите нам с этого адреса, и разговор продолжится.",
        "page_over": "Ссылка больше не действует. Попросите в разговоре новую.",
        "page_later": "Сейчас это не сохранить. Попробуйте через минуту.",
        "closing": "Мы давно не получали от вас ответа. Если вопрос решён, ничего делать не нужно: через"
        " {term} этот разговор будет закрыт. Напишите в любой момент, и мы продолжим.",
        "silence": "молчание",
        "no_answer": "нет ответа",
        "away": "Спасибо, мы получили ваше сообщение. Сейчас никого нет на месте; ответим, когда вернёмся:"
        " {opens}.",
        "away_open": "{day}, {number} {month}, {time} ({zone})",
        "wrote": "{number} {month} {year} г. в {time} {name} пишет:",
    },
}


def say(language: str, phrase: Phrase, **values: object) -> str:
    return fill(_PHRASES.get(language, _PHRASES["en"])[phrase], **values)


def fill(text: str, **values: object) -> str:
    """The text with what stands for `{name}`."""
    for name, value in values.items():
        # Not str.format: a value may hold braces.
        text = text.replace("{" + name + "}", str(value))
    return text


def speaks(language: str, otherwise: str) -> str:
    """Of the languages in which there are words that of somebody who speaks `language` (a BCP 47 tag)."""
    short = language.partition("-")[0].lower()
    return short if short in _PHRASES else otherwise


_SPANS = {
    "en": (("day", "days"), ("hour", "hours"), ("minute", "minutes")),
    "ru": (("дн.", "дн."), ("ч", "ч"), ("мин.", "мин.")),
}
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ru": ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
}
_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "ru": (
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
}


def span(language: str, ms: int) -> str:
    """A length of time in the largest unit that says it whole: "7 days", "24 hours", "90 minutes"."""
    minutes = ms // 60_000
    days, hours, rest = _SPANS.get(language, _SPANS["en"])
    if minutes % (24 * 60) == 0 and minutes > 24 * 60:
        count, unit = minutes // (24 * 60), days
    elif minutes % 60 == 0:
        count, unit = minutes // 60, hours
    else:
        count, unit = minutes, rest
    return f"{count} {unit[count != 1]}"


def moment(language: str, at: int, zone: ZoneInfo) -> str:
    """A moment as people there read it: "Monday November 30, 09:00 (Europe/Moscow)"."""
    language = speaks(language, "en")
    here = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    return say(
        language,
        "away_open",
        day=_DAYS[language][here.weekday()],
        month=_MONTHS[language][here.month - 1],
        number=here.day,
        time=f"{here:%H:%M}",
        zone=zone.key,
    )


def wrote(language: str, at: int, zone: ZoneInfo | None, name: str) -> str:
    """The line over a quotation: "On 3 Nov 2026 at 14:02, Anna Schmidt wrote:"; without a zone in UTC, and it
    says so."""
    language = speaks(language, "en")
    here = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone or UTC)
    month = _MONTHS[language][here.month - 1]
    return say(
        language,
        "wrote",
        number=here.day,
        month=month[:3] if language == "en" else month,
        year=here.year,
        time=f"{here:%H:%M}" if zone is not None else f"{here:%H:%M} UTC",
        name=name,
    )
