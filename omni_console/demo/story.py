"""What the demo's customers say. Each line is (who, channel, what), in English and Russian."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["site", "mail", "market"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One customer: what he opens with and what he answers to each of our replies, in turn.

    `after_s` is how long after the start he writes first. `email` makes a site visitor a signed-in one.
    `typed` is an address that a visitor types into the chat without proof: a suggestion comes of it.
    `returns` is what he writes by e-mail after he fell silent in the site chat.
    """

    name: str
    kind: Kind
    opens: tuple[str, ...]
    answers: tuple[str, ...] = ()
    after_s: float = 0.0
    email: str = ""
    subject: str = ""
    typed: str = ""
    returns: str = ""
    file: str = ""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A finished conversation from before: asked by mail, answered, closed."""

    name: str
    email: str
    subject: str
    asks: str
    answer: str
    topic: str
    result: str


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody from the marketplace whom a colleague took for one of the others."""

    name: str
    asks: str
    topic: str
    result: str
    known_as: str
    email: str
    reason: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    past: tuple[Past, ...]
    merged: Merged
    parts: tuple[Part, ...]
    passers_by: tuple[Part, ...]  # one after the other, for as long as the demo runs


ENGLISH = Story(
    past=(
        Past(
            name="Ivan Petrov",
            email="ivan.petrov@example.org",
            subject="Order 1187",
            asks="Hello, when will order 1187 arrive? I will be away from Friday.",
            answer="Tomorrow before 18:00, the courier calls an hour ahead. I moved it for you.",
            topic="delivery date",
            result="delivery moved to tomorrow",
        ),
        Past(
            name="Anna Schmidt",
            email="anna.schmidt@example.net",
            subject="Invoice 2189",
            asks="Could you send invoice 2189 again, please? The attachment was empty.",
            answer="Sent again, now with its pages. Sorry for that.",
            topic="invoice",
            result="invoice sent again",
        ),
    ),
    merged=Merged(
        name="A. Schmidt",
        asks="Is the oak chair from invoice 2189 still made?",
        topic="oak chair",
        result="yes, four weeks",
        known_as="Anna Schmidt",
        email="anna.schmidt@example.net",
        reason="named the invoice",
    ),
    parts=(
        Part(
            name="Ivan Petrov",
            kind="site",
            email="ivan.petrov@example.org",
            opens=(
                "Hello, my card is blocked and I am abroad",
                "I am at the hotel desk and they want me to pay",
            ),
            returns=(
                "Sorry, I had to leave the chat: the receptionist needed the phone.\n\n"
                "The card ends in 4417, the hotel is in Antalya. Can you unblock it today?"
            ),
            answers=("Thank you, it works again. You saved my holiday.",),
        ),
        Part(
            name="Anna Schmidt",
            kind="mail",
            email="anna.schmidt@example.net",
            subject="Invoice 2231 is wrong",
            opens=(
                "Good morning,\n\ninvoice 2231 lists two chairs at 189.00, we ordered one.\n"
                "Please correct it before the 25th, our accounting closes then.\n\n"
                "Anna Schmidt\nSchmidt & Co.",
            ),
            answers=("Thank you for the quick help, the corrected invoice is fine.",),
            file="invoice-2231.pdf",
            after_s=1.0,
        ),
        Part(
            name="Maria K.",
            kind="market",
            opens=("The vase came broken, here is a photo", "I need it for a birthday on Sunday"),
            answers=("A new one by Saturday would be wonderful", "Then everything is fine, thank you!"),
            file="vase.png",
            after_s=2.0,
        ),
        Part(
            name="李娜",
            kind="mail",
            email="li.na@example.com",
            subject="Bulk order of 40 lamps 🙂",
            opens=("Do you ship 40 desk lamps to Rotterdam, and what would it cost? 谢谢!",),
            answers=("Good. Please prepare an offer with delivery in two parts.",),
            after_s=3.0,
        ),
        Part(
            name="Lina",
            kind="site",
            typed="li.na@example.com",
            opens=("Hi, I asked about 40 lamps by mail. Which colours are there?",),
            answers=("White, then.",),
            after_s=6.0,
        ),
    ),
    passers_by=(
        Part(
            name="Guest from the site",
            kind="site",
            opens=("Do you have the oak shelf in 120 cm?",),
            answers=("Then I take two. How do I pay on delivery?",),
            after_s=40.0,
        ),
        Part(
            name="Tom Becker",
            kind="market",
            opens=("My parcel shows delivered, but nothing came",),
            answers=("The neighbour had it. Sorry!",),
            after_s=75.0,
        ),
        Part(
            name="Zoë O'Neill",
            kind="mail",
            email="zoe@example.org",
            subject="Return within 14 days",
            opens=("I would like to return the grey rug from order 1240. Which address do I use?",),
            answers=("Thanks, I send it tomorrow.",),
            after_s=120.0,
        ),
    ),
)

RUSSIAN = Story(
    past=(
        Past(
            name="Иван Петров",
            email="ivan.petrov@example.org",
            subject="Заказ 1187",
            asks="Здравствуйте, когда приедет заказ 1187? С пятницы меня не будет дома.",
            answer="Завтра до 18:00, курьер позвонит за час. Перенесла для вас доставку.",
            topic="срок доставки",
            result="доставка перенесена на завтра",
        ),
        Past(
            name="Anna Schmidt",
            email="anna.schmidt@example.net",
            subject="Счёт 2189",
            asks="Пришлите, пожалуйста, счёт 2189 ещё раз: вложение было пустым.",
            answer="Отправила снова, теперь со всеми страницами. Извините.",
            topic="счёт",
            result="счёт отправлен повторно",
        ),
    ),
    merged=Merged(
        name="А. Шмидт",
        asks="Дубовый стул из счёта 2189 ещё делают?",
        topic="дубовый стул",
        result="да, четыре недели",
        known_as="Anna Schmidt",
        email="anna.schmidt@example.net",
        reason="назвала счёт",
    ),
    parts=(
        Part(
            name="Иван Петров",
            kind="site",
            email="ivan.petrov@example.org",
            opens=("Здравствуйте, у меня заблокировали карту за границей", "Турция. Помогите, я в отеле"),
            returns=(
                "Извините, пришлось уйти из чата: телефон понадобился на стойке.\n\n"
                "Карта заканчивается на 4417, отель в Анталье. Сможете разблокировать сегодня?"
            ),
            answers=("Спасибо, снова работает. Вы спасли мой отпуск.",),
        ),
        Part(
            name="Anna Schmidt",
            kind="mail",
            email="anna.schmidt@example.net",
            subject="В счёте 2231 ошибка",
            opens=(
                "Доброе утро!\n\nВ счёте 2231 два стула по 18 900, а мы заказывали один.\n"
                "Поправьте, пожалуйста, до 25-го: потом бухгалтерия закроет месяц.\n\nАнна Шмидт",
            ),
            answers=("Спасибо за быструю помощь, исправленный счёт верный.",),
            file="invoice-2231.pdf",
            after_s=1.0,
        ),
        Part(
            name="Мария К.",
            kind="market",
            opens=("Ваза пришла разбитой, вот фото", "Она нужна к дню рождения в воскресенье"),
            answers=("Новая к субботе — это было бы чудесно", "Тогда всё хорошо, спасибо!"),
            file="vase.png",
            after_s=2.0,
        ),
        Part(
            name="李娜",
            kind="mail",
            email="li.na@example.com",
            subject="Оптовый заказ: 40 ламп 🙂",
            opens=("Доставите 40 настольных ламп в Роттердам, и сколько это будет стоить? 谢谢!",),
            answers=("Хорошо. Подготовьте предложение с доставкой в два приёма.",),
            after_s=3.0,
        ),
        Part(
            name="Лина",
            kind="site",
            typed="li.na@example.com",
            opens=("Я писала про 40 ламп по почте. Какие есть цвета?",),
            answers=("Тогда белые.",),
            after_s=6.0,
        ),
    ),
    passers_by=(
        Part(
            name="Гость с сайта",
            kind="site",
            opens=("Есть ли дубовая полка 120 см?",),
            answers=("Тогда беру две. Можно оплатить при получении?",),
            after_s=40.0,
        ),
        Part(
            name="Тимур Беков",
            kind="market",
            opens=("Посылка «вручена», но мне ничего не приносили",),
            answers=("Была у соседа. Извините!",),
            after_s=75.0,
        ),
        Part(
            name="Зоя Орлова",
            kind="mail",
            email="zoe@example.org",
            subject="Возврат в течение 14 дней",
            opens=("Хочу вернуть серый ковёр из заказа 1240. На какой адрес отправить?",),
            answers=("Спасибо, отправлю завтра.",),
            after_s=120.0,
        ),
    ),
)


def story(language: str) -> Story:
    return RUSSIAN if language == "ru" else ENGLISH
