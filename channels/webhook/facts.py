"""What a telephone system tells of a call, and a shop of an order: their parts of a webhook's body. Pure.

Whoever signs the webhook is believed about what happened, never about who was on the telephone: the number
that a caller shows is a claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from channels import json_input
from channels.base import Contact, RecordFact, Reference, Sender
from channels.base.score import SCORE, score_problem
from channels.contacts import email_address, phone_number

RESULTS = ("answered", "missed", "busy", "voicemail", "failed")
DETAILS_MAX = 50
_KIND = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class FactError(ValueError):
    """What is missing or wrong; shown with the event."""


def web_link(value: Any) -> str:
    """A web address as it was given, or '' where it is none."""
    text = json_input.string(value, 1000)
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.hostname and text.isprintable() and " " not in text
    return text if usable else ""


# --- calls ----------------------------------------------------------------------------------------


def call_detail(given: dict[str, Any], country: str) -> dict[str, str]:
    """The facts of a call: direction, result, duration_s, recording, number. Raises FactError."""
    direction = json_input.string(given.get("direction"), 10)
    if direction not in ("in", "out"):
        raise FactError('data.call.direction is neither "in" nor "out"')
    result = json_input.string(given.get("result"), 20)
    if result not in RESULTS:
        raise FactError(f"data.call.result is none of {', '.join(RESULTS)}")
    detail = {"direction": direction, "result": result}
    seconds = given.get("duration_s", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400:
        raise FactError("data.call.duration_s is not a number of seconds")
    detail["duration_s"] = str(int(seconds))
    shown = json_input.string(given.get("number"), 60).strip()
    if shown:
        detail["number"] = phone_number(shown, country) or shown
    if given.get("recording"):
        recording = web_link(given["recording"])
        if not recording:
            raise FactError("data.call.recording is not a web address")
        detail["recording"] = recording
    return detail


def caller(given: Sender | None, detail: dict[str, str], webhook_id: str) -> Sender:
    """Who was on the telephone: whom the telephone system names, else whoever uses this number."""
    number = detail.get("number", "")
    claims = (
        (Contact(scheme="phone", external_id=number, evidence="caller id"),) if number.startswith("+") else ()
    )
    if given is not None:
        known = {(contact.scheme, contact.external_id) for contact in given.contacts}
        return Sender(
            external_id=given.external_id,
            name=given.name,
            username=given.username,
            locale=given.locale,
            contacts=(
                *given.contacts,
                *(one for one in claims if (one.scheme, one.external_id) not in known),
            ),
        )
    # A number that is withheld is nobody's: each such call is a caller of its own.
    return Sender(
        external_id=f"caller:{number}" if number else f"call:{webhook_id}",
        name=None if number else "Number withheld",
        reachable=False,
        contacts=claims,
    )


def named_conversation(value: Any) -> tuple[Reference, ...]:
    """The conversation from which the call was made, by the number that our API gave."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        return ()
    how = "named by the telephone system"
    return (Reference(remote_id=f"conversation:{value}", trusted=True, how=how, conversation_id=value),)


# --- records --------------------------------------------------------------------------------------


def record(
    given: dict[str, Any], whose: dict[str, Any], country: str, moment: Callable[[Any], int | None]
) -> RecordFact:
    """An order, a payment, a contract. Raises FactError.

    `whose`: `data.sender`; his id on this channel, else his e-mail address, else his telephone.
    """
    kind = json_input.string(given.get("kind"), 64)
    number = json_input.string(given.get("number"), 200).strip()
    if not _KIND.fullmatch(kind) or not number:
        raise FactError("data.record has no kind (small Latin letters) or no number")
    amount = json_input.string(given.get("amount"), 30)
    currency = json_input.string(given.get("currency"), 3)
    if amount and not _AMOUNT.fullmatch(amount):
        raise FactError("data.record.amount is not a decimal number")
    if currency and not _CURRENCY.fullmatch(currency):
        raise FactError("data.record.currency is not an ISO 4217 code")
    version = given.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int) or abs(version) >= 2**63:
        raise FactError("data.record.version is not a whole number")
    details = _details(given)
    title = json_input.string(given.get("title"), 300)
    problem = score_problem(title, amount, details) if kind == SCORE else ""
    if problem:
        raise FactError(problem)
    scheme, address = _owner(whose, country)
    return RecordFact(
        kind=kind,
        number=number,
        scheme=scheme,
        address=address,
        title=title,
        state=json_input.string(given.get("state"), 100),
        amount=amount,
        currency=currency,
        at=moment(given.get("at")),
        url=web_link(given.get("url")),
        details=details,
        version=version,
    )


def _details(given: dict[str, Any]) -> dict[str, str]:
    details = json_input.table(given.get("details"))
    return {name[:100]: json_input.string(details[name], 1000) for name in list(details)[:DETAILS_MAX]}


def _owner(whose: dict[str, Any], country: str) -> tuple[str, str]:
    """(scheme, address), or nothing where the sender's id on this channel says it. Raises FactError."""
    if json_input.string(whose.get("id"), 300):
        return "", ""
    email = email_address(json_input.string(whose.get("email"), 320))
    if email is not None:
        return "email", email
    number = phone_number(json_input.string(whose.get("phone"), 60), country)
    if number is not None:
        return "phone", number
    raise FactError("whose record it is: data.sender needs an id, an e-mail address or a telephone number")
