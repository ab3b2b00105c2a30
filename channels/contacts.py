"""Addresses that people give, in the one form in which they can be compared. Pure functions."""

from __future__ import annotations

import phonenumbers

EMAIL_MAX = 254


def email_address(text: str) -> str | None:
    """Lower-case address, or None where this is none. Whether it receives mail is another question."""
    address = text.strip().lower()
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or len(address) > EMAIL_MAX or "@" in local:
        return None
    if any(
        character.isspace() or not character.isprintable() or character in '<>,;"' for character in address
    ):
        return None
    return address


def phone_number(text: str, country: str) -> str | None:
    """E.164 of a phone number as people write it, or None.

    `country`: ISO 3166 code for numbers without a country code, or empty.
    """
    try:
        parsed = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
