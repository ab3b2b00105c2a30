"""How a contact that no machine heard came about: what the console and line mode offer."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from omni_console.i18n import N_
from server.protocol import Medium


class ContactWay(msgspec.Struct, frozen=True):
    medium: Medium
    label: str
    from_customer: bool


CONTACT_WAYS: Mapping[str, ContactWay] = {
    "call in": ContactWay("phone", N_("the customer called"), True),
    "call out": ContactWay("phone", N_("we called"), False),
    "office": ContactWay("office", N_("a visit to the office"), True),
    "paper in": ContactWay("paper", N_("a letter on paper came"), True),
    "paper out": ContactWay("paper", N_("we sent a letter on paper"), False),
    "other": ContactWay("other", N_("something else"), True),
}
