"""Texts with what is known of a person filled in: bulk messages, and texts kept ready. Pure.

`{name}`, `{operator}`, `{site}`, `{city}` (a field of the card), `{order.number}` (of the newest record of
that kind: number, title, state, amount, currency, url, or one of its details). What is filled in is never
read as a variable again; braces around anything else stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from server.protocol import Record
from server.protocol.templates import VARIABLE

_VARIABLE = re.compile(VARIABLE)

EVERYWHERE = frozenset({"name", "operator", "site"})  # variables of every text


class MissingError(Exception):
    """Nothing is known under these names."""

    def __init__(self, names: list[str]) -> None:
        super().__init__("missing: " + ", ".join(names))
        self.names = names


def variables(text: str) -> list[str]:
    """Names in order of appearance, each once."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def record_kinds(*texts: str) -> list[str]:
    """What may be kinds of records in these texts."""
    return sorted({name.partition(".")[0] for text in texts for name in variables(text) if "." in name})


def values_of_record(record: Record) -> dict[str, str]:
    """By the name that a text uses, without what is empty."""
    own = {
        "number": record.external_id,
        "title": record.title,
        "state": record.state,
        "amount": record.amount,
        "currency": record.currency,
        "url": record.url,
    }
    return {f"{record.kind}.{name}": value for name, value in {**record.details, **own}.items() if value}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Raises MissingError."""
    missing = [name for name in variables(text) if not values.get(name)]
    if missing:
        raise MissingError(missing)
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def filled_as_far_as_known(text: str, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """For a text that somebody goes on with: (the text, names that still stand in it).

    What is filled in becomes a part of that text, so whatever looks like a variable in it is disarmed.
    """
    missing = [name for name in variables(text) if not values.get(name)]

    def value(found: re.Match[str]) -> str:
        known = values.get(found[1])
        return _VARIABLE.sub(r"(\1)", known) if known else found[0]

    return _VARIABLE.sub(value, text), missing


def still_open(text: str, in_use: Collection[str]) -> list[str]:
    """Variables that a text to one person was to have filled in and has not."""
    return [name for name in variables(text) if name in EVERYWHERE or name in in_use]


def as_short_as_can_be(text: str) -> str:
    """With one character for each variable: what is too long so is too long for everybody."""
    return _VARIABLE.sub("x", text)
