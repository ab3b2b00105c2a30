"""The text of a mail: which of its parts are the text, and what is known of quotations in it."""

from __future__ import annotations

import binascii
import re
from typing import Any

import msgspec

from channels.base import Fold
from channels.email import charset, headers
from channels.email.attached import payload
from channels.email.folding import Hints, fold, transferred
from channels.email.html import render

MAX_TEXT = 400_000
MAX_UUENCODED = 50

_PLACEHOLDER = re.compile(
    r"^\W*(this is an? (html|multi-?part)( e-?mail| message)?\b.{0,120}|"
    r".{0,60}(your|e-?mail) (e-?mail )?(client|reader|program) (does not|doesn't|cannot|can't).{0,120}|"
    r".{0,80}(не поддерживает|не может отобразить) (формат )?html.{0,120})\W*$",
    re.IGNORECASE | re.DOTALL,
)
_HTML_SOURCE = re.compile(r"\s*(?:<!doctype html|<html[\s>])", re.IGNORECASE)
# Without one of these in it, HTML says nothing of quotations that its text does not.
_TELLING = (
    "gmail_quote",
    "divrplyfwdmsg",
    "appendonsend",
    "yahoo_quoted",
    "moz-cite-prefix",
    "protonmail_",
    "border-top",
    "olk_src",
    "blockquote",
    "signature",
)
_UU_BEGIN = re.compile(r"^begin [0-7]{3,4} (\S[^\n]{0,200})$", re.MULTILINE)
_PGP_SIGNATURE = ("-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----")


class Text(msgspec.Struct):
    """A part that is text. `group`: of the nearest multipart/alternative, 0 for none."""

    text: str
    html: bool
    group: int


class Body(msgspec.Struct, kw_only=True):
    """`unused`: HTML of which the plain text was taken; it may still tell what is quoted."""

    text: str = ""
    quoted: list[tuple[int, int]] = []
    signature: list[tuple[int, int]] = []
    unused: list[str] = []


def read_text(part: Any, content_type: str, group: int) -> Text:
    html = content_type == "text/html"
    data = payload(part)
    declared = headers.raw_value(part, "content-type")
    label = headers.parameter(declared, "charset")
    if html and not label:
        meta = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", data[:4096], re.IGNORECASE)
        label = meta[1].decode("ascii") if meta else ""
    text = charset.decode(data, label).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = text.removeprefix("\ufeff")
    if not html and headers.parameter(declared, "format").lower() == "flowed":
        text = unflow(text, delsp=headers.parameter(declared, "delsp").lower() == "yes")
    return Text(text, html or _HTML_SOURCE.match(text) is not None, group)


def compose(texts: list[Text], facts: dict[str, str]) -> Body:
    """Of each alternative its plain text, or its HTML where the plain text says nothing."""
    body = Body(quoted=[], signature=[], unused=[])
    done: set[int] = set()
    for item in texts:
        if item.group in done:
            continue
        members = [item]
        if item.group:
            done.add(item.group)
            members = [other for other in texts if other.group == item.group]
        plain = "\n\n".join(member.text for member in members if not member.html).strip("\n")
        sources = [member.text for member in members if member.html]
        if sources and (not plain.strip() or _PLACEHOLDER.match(plain.strip()[:400])):
            before = len(body.text)
            for source in sources:
                rendered = render(source)
                if rendered.remote_images:
                    count = int(facts.get("remote_images", "0")) + rendered.remote_images
                    facts["remote_images"] = str(count)
                if rendered.text:
                    begin = _append(body, rendered.text)
                    body.quoted += [(begin + start, begin + end) for start, end in rendered.quoted]
                    body.signature += [(begin + start, begin + end) for start, end in rendered.signature]
            if len(body.text) > before:
                continue
        elif sources:
            body.unused += [source for source in sources if _is_telling(source)]
        if plain.strip():
            _append(body, plain.rstrip())
    if len(body.text) > MAX_TEXT:
        body.text = body.text[:MAX_TEXT]
        facts["problem"] = f"only the first {MAX_TEXT} characters of the text are shown"
    return body


def _is_telling(html: str) -> bool:
    lowered = html.lower()
    return any(word in lowered for word in _TELLING)


def _append(body: Body, text: str) -> int:
    if body.text:
        body.text += "\n\n"
    begin = len(body.text)
    body.text += text
    return begin


def folds(body: Body, answers: bool) -> tuple[Fold, ...]:
    """What of the text is quoted or a signature. `answers`: the header says that it answers a mail."""
    signature = list(body.signature)
    begin = body.text.find(_PGP_SIGNATURE[0])
    end = body.text.find(_PGP_SIGNATURE[1], begin)
    if 0 <= begin < end:
        signature.append((begin, end + len(_PGP_SIGNATURE[1])))
    hints = Hints(quoted=tuple(body.quoted), signature=tuple(signature), answers=answers)
    found = fold(body.text, hints)
    for source in body.unused[:2]:
        if any(one.kind == "quoted" for one in found):
            break
        rendered = render(source)
        quoted = transferred(rendered.quoted, rendered.text, body.text)
        signed = transferred(rendered.signature, rendered.text, body.text)
        if quoted or signed:
            found = fold(
                body.text, Hints(quoted=quoted, signature=tuple(signature) + signed, answers=answers)
            )
    return found


def take_uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text with a note where a file stood in it (`begin 644 name` … `end`), and the files."""
    files: list[tuple[str, bytes]] = []
    pieces: list[str] = []
    position = 0
    for match in _UU_BEGIN.finditer(text):
        if match.start() < position or len(files) >= MAX_UUENCODED:
            continue
        decoded = _uudecode(text, match.end() + 1)
        if decoded is None:
            continue
        data, end = decoded
        files.append((match[1].strip(), data))
        pieces += [text[position : match.start()], "[file]"]
        position = end
    pieces.append(text[position:])
    return "".join(pieces), files


def _uudecode(text: str, position: int) -> tuple[bytes, int] | None:
    out: list[bytes] = []
    while position < len(text):
        line_end = text.find("\n", position)
        line_end = len(text) if line_end < 0 else line_end
        line = text[position:line_end].rstrip("\r")
        position = line_end + 1
        if line == "end":
            return b"".join(out), min(line_end, len(text))
        if not line.strip() or line == "`":
            continue
        if len(line) > 64 or not line.isascii():
            return None
        try:
            out.append(binascii.a2b_uu(line.encode("ascii")))
        except binascii.Error:
            # Some encoders count wrongly: as many characters as the line says.
            size = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:size].encode("ascii")))
            except binascii.Error:
                return None
    return None


def pgp_words(text: str) -> str:
    """What armour in the text says of it; "" for none."""
    if "-----BEGIN PGP MESSAGE-----" in text:
        return "encrypted (PGP), cannot be read here"
    if "-----BEGIN PGP SIGNED MESSAGE-----" in text:
        return "signed (PGP), not verified"
    return ""


def unflow(text: str, delsp: bool) -> str:
    """Join the soft lines of format=flowed (RFC 3676), within one depth of quotation."""
    result: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        piece = content[:-1] if soft and delsp else content
        if open_depth == depth and content != "-- ":
            result[-1].append(piece)
        else:
            result.append(["> " * depth if depth else "", piece])
        open_depth = depth if soft else -1
    return "\n".join("".join(pieces) for pieces in result)
