"""A calendar part (RFC 5545, iTIP of RFC 5546) as a few lines for people. Pure, bounded, never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from channels.email import charset, headers

MAX_SOURCE = 200_000
MAX_EVENTS = 5
MAX_PEOPLE = 10

_HEADINGS = {
    "REQUEST": "Invitation",
    "PUBLISH": "Calendar entry",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time is proposed",
    "DECLINECOUNTER": "The proposed time is declined",
    "REFRESH": "Asks for the newest version of an invitation",
    "ADD": "More dates of an invitation",
}
_PROPERTY = re.compile(r"^([A-Za-z-]{1,40})((?:;[A-Za-z-]{1,40}=(?:\"[^\"\n]*\"|[^\";:\n]*))*):(.*)$")
_PARAMETER = re.compile(r";([A-Za-z-]{1,40})=(?:\"([^\"\n]*)\"|([^\";:\n]*))")


class Invitation(msgspec.Struct, frozen=True):
    """`summary`: one line for a list; `text`: all of it."""

    summary: str
    text: str


class _Property(msgspec.Struct):
    value: str
    parameters: dict[str, str]


def read_invitation(data: bytes) -> Invitation | None:
    """None where there is no event in it."""
    source = charset.decode(data[:MAX_SOURCE], "utf-8").replace("\r\n", "\n").replace("\r", "\n")
    lines = re.sub(r"\n[ \t]", "", source).split("\n")
    method = next((line[7:].strip().upper() for line in lines if line.upper().startswith("METHOD:")), "")
    events = list(_events(lines))
    if not events:
        return None
    summary = _first(events[0], "SUMMARY") or "?"
    blocks = [_described(event, method) for event in events]
    return Invitation(summary[:200], "\n\n".join(blocks))


def _events(lines: list[str]) -> Iterator[dict[str, list[_Property]]]:
    event: dict[str, list[_Property]] | None = None
    depth = count = 0
    for line in lines:
        word = line.strip().upper()
        if event is None:
            if word in ("BEGIN:VEVENT", "BEGIN:VTODO"):
                event, depth = {}, 0
            continue
        if word.startswith("BEGIN:"):
            depth += 1
        elif word.startswith("END:"):
            depth -= 1
            if depth < 0:
                yield event
                event = None
                count += 1
                if count >= MAX_EVENTS:
                    return
        elif depth == 0:
            match = _PROPERTY.match(line[:4_000])
            if match is not None:
                parameters = {
                    name.upper(): quoted or bare for name, quoted, bare in _PARAMETER.findall(match[2])
                }
                event.setdefault(match[1].upper(), []).append(_Property(match[3], parameters))
    if event:
        yield event  # cut off


def _described(event: dict[str, list[_Property]], method: str) -> str:
    heading = _HEADINGS.get(method, "Calendar entry")
    if _first(event, "STATUS").upper() == "CANCELLED":
        heading = _HEADINGS["CANCEL"]
    people = [_person(one, with_answer=True) for one in event.get("ATTENDEE", [])]
    more = f" and {len(people) - MAX_PEOPLE} more" if len(people) > MAX_PEOPLE else ""
    organizer = event.get("ORGANIZER")
    rows = [
        ("What", _first(event, "SUMMARY")),
        ("When", _when(event)),
        ("Repeats", _first(event, "RRULE")),
        ("Where", _first(event, "LOCATION")),
        ("Organizer", _person(organizer[0], with_answer=False) if organizer else ""),
        ("People", ", ".join(people[:MAX_PEOPLE]) + more),
        ("Comment", _first(event, "COMMENT")),
    ]
    lines = [f"[{heading}]", *(f"{name}: {value}" for name, value in rows if value)]
    description = event.get("DESCRIPTION")
    if description:
        lines += ["", _unescaped(description[0].value, "\n").strip()[:4_000]]
    return "\n".join(lines)


def _first(event: dict[str, list[_Property]], name: str) -> str:
    found = event.get(name)
    return headers.clean(_unescaped(found[0].value, " "))[:300] if found else ""


def _unescaped(value: str, newline: str) -> str:
    return re.sub(r"\\(.)", lambda match: newline if match[1] in "nN" else match[1], value)


def _person(one: _Property, *, with_answer: bool) -> str:
    address = re.sub(r"^mailto:", "", one.value.strip(), flags=re.IGNORECASE)
    name = headers.clean(one.parameters.get("CN", ""))
    shown = f"{name} <{address}>" if name and name != address else address
    answer = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "maybe"}.get(
        one.parameters.get("PARTSTAT", "").upper(), ""
    )
    return headers.clean(shown)[:200] + (f" ({answer})" if answer and with_answer else "")


def _when(event: dict[str, list[_Property]]) -> str:
    begin = event.get("DTSTART", event.get("DUE"))
    if not begin:
        return ""
    zone = begin[0].parameters.get("TZID", "")
    day, hour = _moment(begin[0].value)
    shown = f"{day} {hour}".strip()
    end = event.get("DTEND")
    if end:
        last_day, last_hour = _moment(end[0].value)
        if hour and last_hour:
            shown += f" – {last_hour}" if last_day == day else f" – {last_day} {last_hour}"
        elif last_day and last_day != day and hour == last_hour == "":
            shown += f" – {last_day} (not included)"
    elif event.get("DURATION"):
        shown += f", {headers.clean(event['DURATION'][0].value)[:40]}"
    if begin[0].value.strip().upper().endswith("Z"):
        zone = "UTC"
    return headers.clean(f"{shown} ({zone})" if zone and hour else shown)[:200]


def _moment(value: str) -> tuple[str, str]:
    match = re.match(r"\s*(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2}))?", value)
    if match is None:
        return headers.clean(value)[:40], ""
    return f"{match[1]}-{match[2]}-{match[3]}", f"{match[4]}:{match[5]}" if match[4] else ""
