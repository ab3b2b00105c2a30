"""To, Cc and Bcc as an operator edits them: lines of text, and back. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from server.protocol import Addressee, Draft

_ITEM = re.compile(r'\s*((?:"[^"]*"|[^,;"])+)')
_NAMED = re.compile(r'^"?([^"<]*?)"?\s*<([^<>\s]+)>$')


class AddresseeError(ValueError):
    """A piece of the line that is no address; the text is that piece."""


class Addressees(msgspec.Struct, frozen=True):
    """Nobody at all: the reply goes to the address of the way alone."""

    to: tuple[Addressee, ...] = ()
    cc: tuple[Addressee, ...] = ()
    bcc: tuple[Addressee, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.to or self.cc or self.bcc)

    def others(self, way_address: str) -> list[str]:
        """Everybody but the customer, as one line of text each, hidden ones said to be so."""
        found = [shown(one) for one in (*self.to, *self.cc) if one.address != way_address]
        return [*found, *(f"({shown(one)})" for one in self.bcc if one.address != way_address)]


def of_draft(draft: Draft) -> Addressees:
    return Addressees(tuple(draft.to), tuple(draft.cc), tuple(draft.bcc))


def shown(one: Addressee) -> str:
    return f"{one.name} <{one.address}>" if one.name and "<" not in one.name else one.address


def line_of(several: Iterable[Addressee]) -> str:
    return ", ".join(_quoted(one) for one in several)


def _quoted(one: Addressee) -> str:
    name = one.name.replace('"', "'")
    if not name:
        return one.address
    return f'"{name}" <{one.address}>' if re.search(r"[,;<>]", name) else f"{name} <{one.address}>"


def read(line: str, known: Sequence[Addressee]) -> tuple[Addressee, ...]:
    """The addressees of a line. Who takes part already is known; any other the operator wrote himself.

    Raises AddresseeError.
    """
    familiar = {one.address.lower() for one in known}
    found: dict[str, Addressee] = {}
    for match in _ITEM.finditer(line):
        item = match[1].strip()
        if not item:
            continue
        named = _NAMED.match(item)
        name, address = (named[1].strip(), named[2]) if named else ("", item)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise AddresseeError(item)
        found.setdefault(
            address.lower(), Addressee(address=address, name=name, written=address.lower() not in familiar)
        )
    return tuple(found.values())
