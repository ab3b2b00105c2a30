"""Words in the proportions in which people use them: a Zipf vocabulary of Russian and English.

Most words are made up, from syllables and with the endings of their language, so that stems share
prefixes as real ones do. The forms of each real lemma in LEMMAS are put in on purpose: a search for the
lemma is right when it finds its siblings.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

SIZE = 50_000  # words
FLATNESS = 2.7  # Mandelbrot's shift: the commonest words are not quite as common as Zipf has them
LEMMA_SHARE = 0.05  # of the messages hold one form of a lemma

FUNCTION_WORDS = (
    *("и", "в", "не", "на", "я", "что", "the", "to", "с", "and", "у", "a", "мне", "is", "но", "it", "как"),
    *("for", "по", "my", "это", "of", "за", "you", "вы", "in", "из", "так", "on", "от", "i", "же", "this"),
    *("мы", "when", "если", "not", "уже", "have", "до", "with", "когда", "please", "здравствуйте", "hello"),
)
TOPICS = (
    *("parcel", "invoice", "order", "address", "card", "payment", "refund", "chair", "lamp", "shelf"),
    *("счёт", "адрес", "стул", "лампа", "полка", "разбит", "опоздал", "courier", "photo", "broken", "late"),
)
LEMMAS: dict[str, tuple[str, ...]] = {
    "посылка": ("посылка", "посылки", "посылке", "посылку", "посылкой", "посылок", "посылкам", "посылками"),
    "доставка": ("доставка", "доставки", "доставке", "доставку", "доставкой", "доставок", "доставками"),
    "заказ": ("заказ", "заказа", "заказу", "заказом", "заказе", "заказы", "заказов", "заказам", "заказами"),
    "возврат": ("возврат", "возврата", "возврату", "возвратом", "возврате", "возвраты", "возвратов"),
    "оплата": ("оплата", "оплаты", "оплате", "оплату", "оплатой", "оплат", "оплатам", "оплатами"),
    "скидка": ("скидка", "скидки", "скидке", "скидку", "скидкой", "скидок", "скидкам", "скидками"),
    "письмо": ("письмо", "письма", "письму", "письмом", "письме", "писем", "письмам", "письмами"),
    "магазин": ("магазин", "магазина", "магазину", "магазином", "магазине", "магазины", "магазинов"),
    "курьер": ("курьер", "курьера", "курьеру", "курьером", "курьере", "курьеры", "курьеров", "курьерам"),
    "гарантия": ("гарантия", "гарантии", "гарантию", "гарантией", "гарантий", "гарантиям", "гарантиями"),
    "договор": ("договор", "договора", "договору", "договором", "договоре", "договоры", "договоров"),
    "ошибка": ("ошибка", "ошибки", "ошибке", "ошибку", "ошибкой", "ошибок", "ошибкам", "ошибками"),
    "телефон": ("телефон", "телефона", "телефону", "телефоном", "телефоне", "телефоны", "телефонов"),
    "получить": ("получить", "получил", "получила", "получили", "получу", "получит", "получат"),
    "отправить": ("отправить", "отправил", "отправила", "отправили", "отправит", "отправят"),
    "красный": ("красный", "красная", "красное", "красные", "красного", "красной", "красному", "красных"),
}

_RUSSIAN_HEADS = ("б", "в", "г", "д", "ж", "з", "к", "л", "м", "н", "п", "р", "с", "т", "ф", "х", "ш")
_RUSSIAN_VOWELS = ("а", "е", "и", "о", "у", "я")
_RUSSIAN_ENDINGS = (
    ("а", "ы", "е", "у", "ой", "ам", "ами", "ах"),
    ("", "а", "у", "ом", "е", "ов", "ам", "ы"),
    ("ать", "ал", "ала", "али", "аю", "ает", "аем", "ают"),
)
_ENGLISH_HEADS = ("b", "br", "c", "d", "f", "fl", "g", "h", "l", "m", "n", "p", "r", "s", "st", "t", "w")
_ENGLISH_VOWELS = ("a", "e", "ea", "i", "o", "oo", "u")
_ENGLISH_ENDINGS = (("", "s", "ed", "ing"), ("er", "ers", "ly", "ness"))


class Vocabulary:
    """`text(length)` is that many words, `form_of(lemma)` one of its forms; all of it comes from `chance`."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        made = _made_up(chance, SIZE - len(FUNCTION_WORDS) - len(TOPICS))
        self.words: Sequence[str] = (*FUNCTION_WORDS, *TOPICS, *made)  # the commonest first
        self._weights = list(itertools.accumulate(1 / (rank + FLATNESS) for rank in range(len(self.words))))
        self.lemmas = tuple(LEMMAS)

    def text(self, length: int) -> list[str]:
        return self._chance.choices(self.words, cum_weights=self._weights, k=length)

    def form_of(self, lemma: str) -> str:
        return self._chance.choice(LEMMAS[lemma])


def _made_up(chance: random.Random, count: int) -> list[str]:
    russian = _inflected(chance, _RUSSIAN_HEADS, _RUSSIAN_VOWELS, _RUSSIAN_ENDINGS)
    english = _inflected(chance, _ENGLISH_HEADS, _ENGLISH_VOWELS, _ENGLISH_ENDINGS)
    known = {*FUNCTION_WORDS, *TOPICS, *(form for forms in LEMMAS.values() for form in forms)}
    words: dict[str, None] = {}
    while len(words) < count:
        for word in next(russian if chance.random() < 0.6 else english):
            if word not in known:
                words[word] = None
    ordered = list(words)[:count]
    chance.shuffle(ordered)  # the forms of a word are not equally common
    return ordered


def _inflected(
    chance: random.Random, heads: Sequence[str], vowels: Sequence[str], endings: Sequence[Sequence[str]]
) -> itertools.chain[list[str]]:
    """Without end: all forms of one more word."""

    def one() -> list[str]:
        syllables = chance.randint(2, 3)
        stem = "".join(chance.choice(heads) + chance.choice(vowels) for _ in range(syllables))
        stem += chance.choice(heads)[0]
        return [stem + ending for ending in chance.choice(endings)]

    return itertools.chain.from_iterable([one()] for _ in itertools.count())
