"""Which part of a mail's text says nothing new: quoted history and signatures, as ranges. Pure, linear.

Nothing is ever removed: a range is shown as one line until somebody opens it. So a range needs sure signs,
and in doubt there is none: where answers stand between quoted lines, where all would be folded, where
lines merely look like a mail's header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from channels.base import Fold
from channels.email import quote_marks as marks
from channels.folds import unfolded

SIGNATURE_LINES = 12  # more than this under "-- " is no signature
PLAIN_DASHES_LINES = 8  # the same under "--" without its space
UNATTRIBUTED_LINES = 3  # quoted lines that nobody introduces: from so many on they are an earlier message
BETWEEN_LINES = 5  # a quotation with text on both sides: shorter ones belong to the text
ATTRIBUTION_LINES = 4
HEADER_LINES = 12
MAX_LINES = 50_000

# The Bat! quotes with the initials of whom it quotes: "ИП> text".
_INITIALS = re.compile(r"[A-ZА-ЯЁ]{1,3}>{1,5} \S")

Kind = Literal["blank", "text", "quoted", "signature"]


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """What is known besides the text: ranges of it that the HTML marks, and whether it answers a mail."""

    quoted: tuple[tuple[int, int], ...] = ()
    signature: tuple[tuple[int, int], ...] = ()
    answers: bool = False


NO_HINTS = Hints()


class _Line(msgspec.Struct):
    start: int
    text: str  # without the line break
    kind: Kind
    hinted: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def fold(text: str, hints: Hints = NO_HINTS) -> tuple[Fold, ...]:
    """Sorted, disjoint ranges of whole lines; what is left of the text is never blank."""
    lines = _lines(text)
    if len(lines) > MAX_LINES:
        return ()
    _apply_hints(lines, hints)
    unmarked = _unmarked_start(lines)
    if unmarked is not None:
        for line in lines[unmarked:]:
            if line.kind != "blank":
                line.kind = "quoted"
    introduced = _introduce(lines)
    first = next((n for n, line in enumerate(lines) if line.kind == "quoted"), len(lines))
    last = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].kind == "quoted"), -1)
    _find_signature(lines, 0, first)
    if last >= 0:
        _find_signature(lines, last + 1, len(lines))
    groups: list[tuple[int, int, Literal["quoted", "signature"]]] = []
    if last >= 0:
        begin = _quoted_from(lines, first, last, unmarked, introduced or hints.answers)
        if begin is not None:
            groups.append((begin, last, "quoted"))
    for lo, hi in ((0, first), (last + 1, len(lines))):
        signed = [n for n in range(lo, min(hi, len(lines))) if lines[n].kind == "signature"]
        if signed and (signed[0], signed[-1], "signature") not in groups:
            groups.append((signed[0], signed[-1], "signature"))
    return _ranges(text, lines, sorted(groups))


def transferred(ranges: Sequence[tuple[int, int]], source: str, target: str) -> tuple[tuple[int, int], ...]:
    """Ranges of one rendering of a mail, found again in another one (HTML and plain text of one mail).

    Only a range whose beginning stands exactly once in the target is found; letters and digits count.
    """
    letters, places = _letters(target)
    found = []
    for start, end in ranges:
        opening, _ = _letters(source[start : min(end, start + 400)])
        opening = opening[:60]
        if len(opening) < 12 or letters.count(opening) != 1:
            continue
        begin = places[letters.index(opening)]
        if not source[end:].strip():
            found.append((begin, len(target)))
            continue
        closing, _ = _letters(source[max(start, end - 400) : end])
        closing = closing[-60:]
        if len(closing) >= 12 and letters.count(closing) == 1:
            finish = places[letters.index(closing) + len(closing) - 1] + 1
            if finish > begin:
                found.append((begin, finish))
    return tuple(found)


def _letters(text: str) -> tuple[str, list[int]]:
    places = [index for index, char in enumerate(text) if char.isalnum()]
    return "".join(text[index] for index in places), places


# --- lines ----------------------------------------------------------------------------------------


def _lines(text: str) -> list[_Line]:
    lines = []
    position = 0
    for piece in text.split("\n"):
        bare = piece.strip(" \t\r\xa0\u200b\u200c\u200d\u2060\ufeff")
        kind: Kind = "text"
        if not bare:
            kind = "blank"
        elif (bare[0] == ">" and not bare.startswith(">-")) or _INITIALS.match(bare):
            kind = "quoted"
        lines.append(_Line(position, piece, kind))
        position += len(piece) + 1
    return lines


def _apply_hints(lines: list[_Line], hints: Hints) -> None:
    for kind, ranges in (("signature", hints.signature), ("quoted", hints.quoted)):
        ordered = sorted(ranges)
        at = 0
        for line in lines:
            if line.kind == "blank":
                continue
            begin = line.start + len(line.text) - len(line.text.lstrip())
            while at < len(ordered) and ordered[at][1] <= begin:
                at += 1
            if (
                at < len(ordered)
                and ordered[at][0] <= begin
                and line.start + len(line.text.rstrip()) <= max(ordered[at][1], begin + 1)
            ):
                if kind == "quoted":
                    line.kind = "quoted"
                    line.hinted = True
                elif line.kind == "text":
                    line.hinted = True


# --- quotations -----------------------------------------------------------------------------------


def _unmarked_start(lines: list[_Line]) -> int | None:
    """The line from which all is an earlier message, by a divider, a header block or a sure attribution."""
    for number, line in enumerate(lines):
        if line.kind == "quoted" or line.kind == "blank":
            continue
        text = line.text
        if marks.is_divider(text):
            return number
        if marks.is_rule(text):
            following = _next(lines, number + 1)
            if following is not None and following - number <= 2 and _header_block(lines, following, 3):
                return number
        elif (":" in text[:40] or "：" in text[:40]) and _header_block(lines, number, 4):
            return number
        if (number == 0 or lines[number - 1].kind == "blank") and text.strip():
            joined = ""
            for extra in range(number, min(number + 3, len(lines))):
                if lines[extra].kind != "text":
                    break
                joined = f"{joined} {lines[extra].text.strip()}".strip()
                if len(joined) > marks.MAX_LINE:
                    break
                following = _next(lines, extra + 1)
                if following is None or lines[following].kind == "quoted":
                    continue
                if marks.introduces_unmarked(joined):
                    return number
    return None


def _next(lines: list[_Line], number: int) -> int | None:
    while number < len(lines) and lines[number].kind == "blank":
        number += 1
    return number if number < len(lines) else None


def _header_block(lines: list[_Line], number: int, labels: int) -> bool:
    """Do lines from here on name sender, date and recipient or subject, as mail programs do?

    `labels`: how many known labels must stand there when nothing else (a rule) announces them. Places and
    dates that somebody typed ("From: Berlin, To: Paris") have no address, no time of day and no subject.
    """
    values: dict[str, str] = {}
    unknown = 0
    blanks = 0
    if marks.label(lines[number].text)[0] not in ("from", "date", "?"):
        return False
    for line in lines[number : number + HEADER_LINES]:
        if line.kind == "blank":
            blanks += 1
            if blanks > 1 and len(values) + unknown < 3:
                break
            continue
        role, value = marks.label(line.text)
        if not role:
            # A long list of recipients goes on in the next line.
            if values and (marks.has_address(line.text) or ";" in line.text):
                continue
            break
        if role == "?":
            unknown += 1
            values.setdefault(f"?{unknown}", value)
        else:
            values.setdefault(role, value)
    known = [role for role in values if not role.startswith("?")]
    moment = any(marks.has_moment(value) for value in values.values())
    address = any(marks.has_address(value) for value in values.values())
    if {"from", "date"} <= set(known) and {"to", "subject"} & set(known):
        return moment or address or ("subject" in known and len(known) >= labels)
    if {"from", "subject", "to"} <= set(known):
        return address
    # An interface in a language that is not known here: the shape has to do.
    return labels <= 3 and len(values) >= 3 and moment and address


def _introduce(lines: list[_Line]) -> bool:
    """Take the line(s) over each quoted run into it; True where the first run is surely a quotation."""
    introduced = False
    seen_run = False
    for number, line in enumerate(lines):
        if line.kind != "quoted":
            continue
        above = _previous(lines, number)
        if above is not None and lines[above].kind == "quoted":
            continue
        begin = _attribution(lines, above) if above is not None and number - above <= 3 else None
        if begin is None and not line.hinted and _INITIALS.match(line.text.strip()):
            _no_quotation(lines, number)  # a prompt: "SQL> select"
            continue
        if begin is not None and above is not None:
            begin = _labels_above(lines, begin)
            for part in lines[begin : above + 1]:
                if part.kind == "text":
                    part.kind = "quoted"
        sure = begin is not None or line.hinted or _says_who(line.text) or marks.is_divider(line.text)
        introduced = introduced or (sure and not seen_run)
        seen_run = True
    return introduced


def _labels_above(lines: list[_Line], begin: int) -> int:
    """Yandex writes dashes, "Кому:" and "Тема:" over the attribution."""
    top = begin
    while top > 0 and lines[top - 1].kind == "text" and marks.label(lines[top - 1].text)[0] not in ("", "?"):
        top -= 1
    ruled = 0 < top < begin and lines[top - 1].text.strip("-\xa0 \t") == "" and "-----" in lines[top - 1].text
    return top - 1 if ruled else begin


def _no_quotation(lines: list[_Line], number: int) -> None:
    for line in lines[number:]:
        if line.kind == "blank":
            continue
        if line.kind != "quoted" or not _INITIALS.match(line.text.strip()):
            return
        line.kind = "text"


def _says_who(quoted: str) -> bool:
    """Mail.ru and the iPhone write the attribution inside of the quotation."""
    return marks.introduces_quote(marks.attribution_signs(quoted.lstrip("> \t\xa0")))


def _previous(lines: list[_Line], number: int) -> int | None:
    number -= 1
    while number >= 0 and lines[number].kind == "blank":
        number -= 1
    return number if number >= 0 else None


def _attribution(lines: list[_Line], last: int) -> int | None:
    """First line of the attribution that ends at `last`; None where that line is none."""
    joined = ""
    for number in range(last, max(-1, last - ATTRIBUTION_LINES), -1):
        if lines[number].kind != "text":
            break
        joined = f"{lines[number].text.strip()} {joined}".strip()
        if len(joined) > marks.MAX_LINE:
            break
        signs = marks.attribution_signs(joined)
        if not signs & {"colon", "wrote"} and not marks.introduces_quote(signs):
            break
        opens = number == 0 or lines[number - 1].kind != "text"
        complete = {"day", "time"} <= signs and bool(signs & {"address", "wrote"})
        if marks.introduces_quote(signs) and ("begins" in signs or opens or complete):
            return number
    # A name alone over a quotation: "Иван Петров писал(а):" right under other text.
    signs = marks.attribution_signs(lines[last].text)
    return last if lines[last].kind == "text" and marks.introduces_quote(signs) else None


def _quoted_from(lines: list[_Line], first: int, last: int, unmarked: int | None, sure: bool) -> int | None:
    """First line of the one quoted range, None where quoted lines are left as they are."""
    between = any(line.kind == "text" for line in lines[first:last])
    if between:
        # Answers between the lines. What a divider announces below them is still only history.
        return unmarked
    before = any(line.kind == "text" for line in lines[:first])
    after = any(line.kind == "text" for line in lines[last + 1 :])
    count = sum(line.kind == "quoted" for line in lines[first : last + 1])
    if not before and not after:
        return None
    if before and after:
        return first if sure and count >= BETWEEN_LINES else None
    return first if sure or unmarked is not None or count >= UNATTRIBUTED_LINES else None


# --- signatures -----------------------------------------------------------------------------------


def _find_signature(lines: list[_Line], lo: int, hi: int) -> None:
    """Mark the signature that ends this stretch of text."""
    begin = hi
    while begin > lo and (
        lines[begin - 1].kind == "blank"
        or lines[begin - 1].hinted
        or marks.is_device_line(lines[begin - 1].text)
        or marks.is_scanner_line(lines[begin - 1].text)
        or (marks.is_rule(lines[begin - 1].text) and begin < hi)
    ):
        begin -= 1
    dashes = [n for n in range(lo, begin) if lines[n].kind == "text" and _is_delimiter(lines[n].text)]
    if dashes:
        exact = [n for n in dashes if lines[n].text.rstrip("\r") == "-- "]
        choice = exact[0] if exact else dashes[0] if len(dashes) == 1 else None
        if choice is not None:
            size = sum(line.kind == "text" for line in lines[choice + 1 : hi])
            if size <= (SIGNATURE_LINES if exact else PLAIN_DASHES_LINES):
                begin = min(begin, choice)
    elif begin < hi and begin > lo and _is_delimiter(lines[begin - 1].text):
        begin -= 1
    for line in lines[begin:hi]:
        if line.kind == "text":
            line.kind = "signature"


def _is_delimiter(text: str) -> bool:
    return text.strip(" \t\r\xa0") in ("--", "—", "– –", "---")


# --- ranges ---------------------------------------------------------------------------------------


def _ranges(
    text: str, lines: list[_Line], groups: list[tuple[int, int, Literal["quoted", "signature"]]]
) -> tuple[Fold, ...]:
    folds: list[Fold] = []
    reaches_end = len(lines)
    for first, last, kind in reversed(groups):
        following = _next(lines, last + 1)
        end = len(text) if following is None else lines[following].start
        start = lines[first].start
        if following is None or following == reaches_end:
            # The empty lines before the last folds would end the text that is left.
            above = _previous(lines, first)
            reaches_end = first
            if above is not None and all(group[1] != above for group in groups):
                start = lines[above].end
            elif above is not None:
                start = lines[first].start
        folds.append(Fold(kind=kind, start=start, end=end))
    folds.reverse()
    if not unfolded(text, folds).strip():
        return ()
    return tuple(folds)
