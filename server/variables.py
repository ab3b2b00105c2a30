"""A text to many, with what is known of each person filled in. Pure.

`{name}`, `{city}` (a field of the card), `{order.number}` (of the newest record of that kind: number, title,
state, amount, currency, url, or one of its details). What is filled in is never read as a variable again;
braces around anything else stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from server.protocol import Record

_VARIABLE = re.compile(r"\{([a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*)\}")


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
