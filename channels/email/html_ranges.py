"""Which elements of an HTML mail its program marks as an earlier message, or as a signature.

While the text is being put together the ranges are marked in it by noncharacters (Unicode 23.7), which no
mail may bring itself; `taken_out` turns them into ranges.
"""

from __future__ import annotations

import re

import msgspec
from selectolax.lexbor import LexborNode

Ranges = tuple[tuple[int, int], ...]


class Mark(msgspec.Struct, frozen=True):
    begin: str
    end: str


QUOTE = Mark("\ufdd0", "\ufdd1")
SIGNATURE = Mark("\ufdd2", "\ufdd3")
MARKS = str.maketrans("", "", "\ufdd0\ufdd1\ufdd2\ufdd3")
MAX_LOOKS = 200  # looks into a subtree; each may cost as much as the whole mail

# Containers of an earlier message, by class or id. gmail_quote holds answers too, between its blockquotes.
_QUOTED_NAMES = re.compile(
    r"\b(?:gmail_attr|moz-cite-prefix|moz-forward-container|moz-email-headers-table|yahoo_quoted|zmail_extra|"
    r"tutanota_quote|ms-outlook-mobile-reference-message|mail-editor-reference-message-container|"
    r"OLK_SRC_BODY_SECTION|reply-intro|protonmail_quote|yandex_quote|quoted-mail)\b"
)
# Outlook puts the earlier message beside its header, not into a container: all that follows is quoted.
_QUOTED_ONWARDS = re.compile(r"^(?:x_)?(?:divRplyFwdMsg|appendonsend|stopSpelling)$")
_SIGNED_NAMES = re.compile(
    r"\b(?:gmail_signature(?:_prefix)?|moz-signature|ms-outlook-mobile-signature|protonmail_signature_block|"
    r"tutanota_signature|AppleMailSignature|Signature|signature_old)\b"
)
_OUTLOOK_RULE = re.compile(r"border-top:\s*solid\s+(?:#?(?:e1e1e1|b5c4df))\s+1\.0pt", re.IGNORECASE)


class Finder:
    """Asked element by element, in the order of the document."""

    def __init__(self) -> None:
        self._history = False  # all from here on is the earlier message
        self._inside = 0  # open containers of an earlier message
        self._looks = 0

    def begins_history(self, node: LexborNode, tag: str, attributes: dict[str, str | None]) -> bool:
        """Does the earlier message begin here, and go on to the end of the mail?"""
        if self._history or self._inside:
            return False
        if _QUOTED_ONWARDS.match(attributes.get("id") or ""):
            self._history = True
        elif tag == "div" and _OUTLOOK_RULE.search(attributes.get("style") or "") and self._may_look():
            # Outlook draws the same line for its users, too: a header must stand under it.
            words = node.text(deep=True)[:200].replace("\xa0", " ")
            self._history = re.match(r"\s*[^:\n]{1,30}:\s", words) is not None
        return self._history

    def container(self, node: LexborNode, tag: str, attributes: dict[str, str | None]) -> Mark | None:
        """The mark of an element that holds an earlier message or a signature."""
        if self._history or self._inside:
            return None
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        if names != " " and len(names) < 500:
            quoted = _QUOTED_NAMES.search(names) or (tag == "div" and re.search(r"\bgmail_quote\b", names))
            # Where a blockquote is in there it is the quotation, and what stands beside it may be an answer.
            if quoted and (tag == "blockquote" or not self._holds_blockquote(node)):
                self._inside += 1
                return QUOTE
            if _SIGNED_NAMES.search(names):
                return SIGNATURE
        if attributes.get("data-signature-widget") == "container" or "data-smartmail" in attributes:
            return SIGNATURE
        return None

    def leave(self, mark: Mark) -> None:
        self._inside -= mark is QUOTE

    def _holds_blockquote(self, node: LexborNode) -> bool:
        return not self._may_look() or node.css_first("blockquote") is not None

    def _may_look(self) -> bool:
        self._looks += 1
        return self._looks <= MAX_LOOKS


def taken_out(marked: str) -> tuple[str, Ranges, Ranges]:
    """Text without marks, quoted ranges, signature ranges. Ranges that overlap become one."""
    pieces: list[str] = []
    found: dict[str, list[tuple[int, int]]] = {QUOTE.begin: [], SIGNATURE.begin: []}
    begun: dict[str, list[int]] = {QUOTE.begin: [], SIGNATURE.begin: []}
    begins = {QUOTE.end: QUOTE.begin, SIGNATURE.end: SIGNATURE.begin}
    size = 0
    for piece in re.split("([\ufdd0\ufdd1\ufdd2\ufdd3])", marked):
        if piece in begun:
            begun[piece].append(size)
        elif piece in begins:
            mark = begins[piece]
            if begun[mark]:
                begin = begun[mark].pop()
                if not begun[mark]:
                    found[mark].append((begin, size))
        else:
            pieces.append(piece)
            size += len(piece)
    for mark, waiting in begun.items():
        if waiting:
            found[mark].append((waiting[0], size))
    return "".join(pieces), tuple(found[QUOTE.begin]), tuple(found[SIGNATURE.begin])
