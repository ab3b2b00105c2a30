"""What the server itself writes to customers, in the site's language. Pure."""

from __future__ import annotations

from typing import Literal

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
    },
}


def say(language: str, phrase: Phrase, **values: object) -> str:
    text = _PHRASES.get(language, _PHRASES["en"])[phrase]
    for name, value in values.items():
        # Not str.format: a value may hold braces.
        text = text.replace("{" + name + "}", str(value))
    return text
