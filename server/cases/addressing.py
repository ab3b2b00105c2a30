"""To whom a reply may go. Pure.

Nothing goes to somebody whom neither the operator wrote down nor the customer or we named before: a
stranger who wrote into a conversation gets no copy of what is said in it by himself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from channels.base import ChannelError
from server.protocol import Addressee, Recipient

Check = Callable[[str], str]  # canonical form of an address; raises ChannelError


class AddressingError(Exception):
    """The recipients are refused; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def addressed(
    wanted: Mapping[str, Sequence[Addressee]],
    *,
    known: Mapping[str, Addressee],
    own: Set[str],
    most: int,
    check: Check,
) -> list[Recipient]:
    """Recipients of the lists "to", "cc" and "bcc", each once, in its first role.

    Raises AddressingError.
    """
    found: dict[str, Recipient] = {}
    for role in ("to", "cc", "bcc"):
        for one in wanted.get(role, ()):
            address = _checked(one, known, own, check)
            name = one.name or (known[address].name if address in known else "")
            found.setdefault(address, _recipient(role, address, name))
    if len(found) > most:
        raise AddressingError(
            f"{len(found)} recipients are too many: at most {most}", "write several messages"
        )
    return list(found.values())


def _checked(one: Addressee, known: Mapping[str, Addressee], own: Set[str], check: Check) -> str:
    try:
        address = check(one.address)
    except ChannelError as error:
        raise AddressingError(str(error), error.hint) from error
    if address in own:
        raise AddressingError(
            f"{address} is our own address", "take it out: mail to it would come back to us"
        )
    if not one.written and address not in known:
        raise AddressingError(
            f"{address} takes no part in this conversation", "write the address yourself to add it"
        )
    return address


def _recipient(role: str, address: str, name: str) -> Recipient:
    if role == "cc":
        return Recipient(role="cc", address=address, name=name)
    if role == "bcc":
        return Recipient(role="bcc", address=address, name=name)
    return Recipient(role="to", address=address, name=name)


def everybody_else(latest: Iterable[Recipient], customer: str, own: Set[str]) -> list[Addressee]:
    """To whom a reply to all goes besides the customer: whom the latest message names."""
    return [
        Addressee(address=one.address, name=one.name)
        for one in latest
        if one.role in ("to", "cc") and one.address != customer and one.address not in own
    ]
