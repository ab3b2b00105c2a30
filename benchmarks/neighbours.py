"""People as they are: families that share telephones and mailboxes, namesakes, nicknames, typing errors.

Everything is made from a seed. Nobody here is real.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec


def _words(text: str) -> list[str]:
    return text.split()


_MEN = _words(
    "Александр Алексей Андрей Антон Артём Борис Вадим Василий Виктор Владимир Геннадий Григорий Денис Дмитрий"
    " Евгений Егор Иван Игорь Илья Кирилл Константин Леонид Максим Михаил Никита Николай Олег Павел Пётр"
    " Роман"
    " Сергей Степан Тимофей Фёдор Юрий Ярослав"
)
_WOMEN = _words(
    "Алина Алла Анастасия Анна Валентина Валерия Вера Виктория Галина Дарья Евгения Екатерина Елена Жанна Зоя"
    " Инна Ирина Ксения Лариса Любовь Людмила Маргарита Марина Мария Надежда Наталья Оксана Ольга Полина"
    " Светлана София Тамара Татьяна Ульяна Юлия"
)
_FAMILIES = _words(
    "Абрамов Баранов Беляев Богданов Волков Воробьёв Гаврилов Герасимов Григорьев Давыдов Данилов Дмитриев"
    " Егоров Ершов Жуков Зайцев Захаров Иванов Калинин Киселёв Ковалёв Козлов Комаров Кузнецов Кузьмин"
    " Лебедев"
    " Макаров Медведев Михайлов Морозов Никитин Новиков Орлов Осипов Павлов Петров Поляков Попов Романов"
    " Семёнов Сидоров Смирнов Соколов Соловьёв Сорокин Степанов Тарасов Титов Фёдоров Филиппов Фомин Чернов"
    " Шевченко Петренко Бондаренко Коваленко Ткаченко Кравченко Черных Белых Живаго Дурново"
)
_LATIN = str.maketrans(
    dict(
        zip(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            _words("a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya"),
            strict=True,
        )
    )
)


def latin(text: str) -> str:
    return text.lower().translate(_LATIN).replace("_", "")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """`mailboxes` and `phones`: those he uses, his own first; whoever else uses one too is in `shared`."""

    id: int
    first: str
    family: str
    mailboxes: tuple[str, ...]
    phones: tuple[str, ...]  # E.164
    account: str  # on the site; "" where he has none
    messenger: int  # 0 where he has none
    buyer: str  # on the marketplace
    order: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.family}"


class Town(msgspec.Struct, frozen=True):
    people: tuple[Person, ...]
    users: dict[str, frozenset[int]]  # who uses a mailbox or a telephone


def _surname(family: str, woman: bool) -> str:
    return f"{family}а" if woman and family.endswith(("ов", "ев", "ёв", "ин")) else family


def town(people: int, chance: random.Random) -> Town:
    """Households of one to four; some share a telephone, some a mailbox, and names come again."""
    made: list[Person] = []
    while len(made) < people:
        family = chance.choice(_FAMILIES)
        size = min(chance.choice((1, 1, 2, 2, 3, 4)), people - len(made))
        number = len(made) + 1
        phone = f"+7916{number:07}" if size > 1 and chance.random() < 0.7 else ""
        mailbox = f"{latin(family)}.{number}@family.example" if size > 1 and chance.random() < 0.6 else ""
        firsts: set[str] = set()
        for _ in range(size):
            woman = chance.random() < 0.5
            first = chance.choice([name for name in (_WOMEN if woman else _MEN) if name not in firsts])
            firsts.add(first)
            made.append(_person(len(made) + 1, first, _surname(family, woman), phone, mailbox, chance))
    users: dict[str, set[int]] = {}
    for person in made:
        for address in (*person.mailboxes, *person.phones):
            users.setdefault(address, set()).add(person.id)
    return Town(tuple(made), {address: frozenset(ids) for address, ids in users.items()})


def _person(number: int, first: str, family: str, phone: str, mailbox: str, chance: random.Random) -> Person:
    own_mailbox = f"{latin(first)}.{latin(family)}{number}@mail.example"
    own_phone = f"+7903{number:07}"
    mailboxes = (mailbox,) if mailbox and chance.random() < 0.7 else (own_mailbox, mailbox)
    phones = (phone,) if phone and chance.random() < 0.7 else (own_phone, phone)
    return Person(
        id=number,
        first=first,
        family=family,
        mailboxes=tuple(filter(None, mailboxes)),
        phones=tuple(filter(None, phones)),
        account=f"user-{number}" if chance.random() < 0.6 else "",
        messenger=700_000 + number if chance.random() < 0.6 else 0,
        buyer=f"buyer-{number}",
        order=f"A-{10_000 + number}",
    )


def called(person: Person, chance: random.Random) -> str:
    """What he calls himself this time."""
    forms = (
        person.name,
        person.name,
        f"{person.family} {person.first}",
        f"{latin(person.first).title()} {latin(person.family).title()}",
        f"{person.first} {person.family[0]}.",
        person.first,
        f"{latin(person.first)}{person.id % 100}",
        "",
    )
    return chance.choice(forms)


def typed_mailbox(person: Person, chance: random.Random) -> str:
    """As he types it; one in ten is wrong, and may be somebody else's."""
    address = chance.choice(person.mailboxes)
    if chance.random() >= 0.1:
        return address.upper() if chance.random() < 0.1 else address
    local, _, domain = address.partition("@")
    digits = "".join(filter(str.isdigit, local))
    if digits and chance.random() < 0.5:
        return f"{local.replace(digits, str(int(digits) + chance.choice((-1, 1))))}@{domain}"
    place = chance.randrange(len(local))
    return f"{local[:place]}{local[place + 1 :]}@{domain}"


def typed_phone(person: Person, chance: random.Random) -> str:
    """As he types it; one in twenty is somebody else's or nobody's."""
    number = chance.choice(person.phones)
    if chance.random() < 0.05:
        place = chance.randrange(5, len(number))
        number = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    return typed_as(number, chance)


def typed_as(phone: str, chance: random.Random) -> str:
    """With 8 or +7, brackets and hyphens."""
    number = phone.removeprefix("+7")
    shapes = (
        "+7{0}",
        "8{0}",
        "7{0}",
        "8 ({1}) {2}-{3}-{4}",
        "+7 {1} {2}{3}{4}",
        "8-{1}-{2}-{3}-{4}",
    )
    parts: Sequence[str] = (number, number[:3], number[3:6], number[6:8], number[8:])
    return chance.choice(shapes).format(*parts)
