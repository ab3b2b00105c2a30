"""E-mail addresses: found in hostile headers, and written in one canonical form.

`email.utils` raises or guesses wrongly on real headers (cpython issues 94306, 114906, 151857), so this
scanner is our own: one pass, no recursion, no exception.
"""

from __future__ import annotations

import functools
import re

import idna
import msgspec

MAX_ADDRESSES = 500
MAX_ITEM = 1_000  # characters of one mailbox with its name


class Mailbox(msgspec.Struct, frozen=True):
    """A display name as written (still encoded) and an address as written."""

    name: str
    address: str


_NOT_BARE = re.compile(r"[\s<>(),;:\\\"\x00-\x20\x7f]")


def split_address(address: str) -> tuple[str, str]:
    """Local part and domain; ("", "") where the text is not an address."""
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or len(address) > 320:
        return "", ""
    if _NOT_BARE.search(local + domain) and not _quoted_local(local, domain):
        return "", ""
    if "@" in local or domain.startswith(".") or domain.endswith("."):
        return "", ""
    return local, domain


def _quoted_local(local: str, domain: str) -> bool:
    inside = re.fullmatch(r'"[^"\\\r\n\x00]+"', local) is not None
    return inside and _NOT_BARE.search(domain) is None


def ascii_domain(domain: str) -> str:
    """Lower case, IDN labels in their ASCII form (RFC 5891); unusable domains come back lower-cased."""
    lowered = domain.lower()
    if lowered.isascii():
        return lowered
    try:
        return idna.encode(lowered, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return lowered


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII; the local part as written. "" where it is not an address."""
    try:
        # 8-bit bytes of a raw header stand here as surrogates: either they are UTF-8, or this names nobody.
        text = address.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return ""
    local, domain = split_address(text.strip())
    return f"{local}@{ascii_domain(domain)}" if local else ""


@functools.lru_cache(maxsize=256)  # of one mail the same ones are asked for again and again
def canonical(address: str) -> str:
    """The form on which identity is keyed: lower case, domain in ASCII. "" where it is not an address."""
    return ascii_address(address).lower()


@functools.lru_cache(maxsize=64)
def find_mailboxes(header: str) -> tuple[Mailbox, ...]:
    """Every mailbox of an address header, in order; group names and comments are left out.

    `header` is unfolded and not yet decoded from RFC 2047, so that an encoded "<" cannot pretend to be
    an address.
    """
    found: list[Mailbox] = []
    for item in _split_items(header):
        if len(found) >= MAX_ADDRESSES:
            break
        mailbox = _mailbox(item)
        if mailbox is not None:
            found.append(mailbox)
    return tuple(found)


_NOT_ALONE = re.compile(r"[,;(\"\\]")


def _split_items(header: str) -> list[str]:
    """Split at commas and semicolons that are outside of quotes, comments and angle brackets."""
    if _NOT_ALONE.search(header) is None:
        return [header]
    items: list[str] = []
    current: list[str] = []
    quoted = angle = False
    depth = 0
    escaped = False
    for char in header:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif char == "(":
            depth += 1
            continue
        elif depth:
            depth -= char == ")"
            continue
        elif char == '"':
            quoted = True
        elif char == "<":
            angle = True
        elif char == ">":
            angle = False
        elif char in ",;" and not angle:
            items.append("".join(current))
            current = []
            continue
        if not depth:
            current.append(char)
    items.append("".join(current))
    return items


_GROUP = re.compile(r'^\s*[^"<>@:]{0,200}:(?=\s|$|[^/])')


def _mailbox(item: str) -> Mailbox | None:
    item = _GROUP.sub("", item.strip()[:MAX_ITEM], count=1).strip()
    if not item:
        return None
    open_at = item.rfind("<")
    if open_at >= 0:
        close_at = item.find(">", open_at)
        inside = item[open_at + 1 : close_at if close_at >= 0 else None].strip()
        name = item[:open_at].strip()
        # RFC 5322 obs-route: <@relay,@relay:user@host>
        if inside.startswith("@") and ":" in inside:
            inside = inside.rpartition(":")[2]
        return Mailbox(_unquote(name), inside.removeprefix("mailto:"))
    match = re.search(r'[^\s<>"]+@[^\s<>"]+', item)
    return Mailbox("", match[0]) if match else None


def _unquote(name: str) -> str:
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1]
    return re.sub(r"\\(.)", r"\1", name).replace('"', "").strip()
