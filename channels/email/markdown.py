"""The HTML of what operators write: made from their Markdown, and from nothing else.

Raw HTML is text, images are not loaded from anywhere, and only http, https, mailto and tel links become
links. So there is nothing to sanitise.
"""

from __future__ import annotations

import html
import re

import msgspec
from markdown_it import MarkdownIt

from channels.base import Quotation
from channels.email import quotation

_STYLE = "font-family:sans-serif;font-size:14px;line-height:1.45"
_SAFE_LINK = re.compile(r"^(https?|mailto|tel):", re.IGNORECASE)


def _made() -> MarkdownIt:
    # An operator's line break is meant: "breaks" keeps it, as the plain text does.
    made = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": True, "typographer": False})
    made.enable(["linkify", "table", "strikethrough"])
    # A mail that begins with four spaces is no program, and an underline of dashes no heading.
    made.disable(["image", "code", "lheading", "html_block", "html_inline"])
    made.validateLink = lambda url: _SAFE_LINK.match(url.strip()) is not None  # type: ignore[method-assign]
    return made


_MARKDOWN = _made()


class Below(msgspec.Struct, frozen=True, kw_only=True):
    """What stands below the operator's words, none of it Markdown; "" and None: nothing does.

    What is answered comes last: mail programs fold all from there on.
    """

    signature: str = ""
    quoted: str = ""
    marker: str = ""
    answered: Quotation | None = None


NOTHING = Below()


def to_html(text: str, below: Below = NOTHING) -> str:
    """A whole document."""
    parts = [_MARKDOWN.render(text)]
    if below.signature:
        parts.append(f"<p>-- <br>{quotation.as_it_is(below.signature)}</p>\n")
    if below.quoted:
        style = "border-left:2px solid #ccc;padding-left:1em"
        parts.append(f'<div style="{style}">{quotation.as_it_is(below.quoted)}</div>\n')
    if below.marker:
        parts.append(f'<p style="color:#999;font-size:11px">{html.escape(below.marker)}</p>\n')
    if below.answered is not None:
        parts.append(quotation.to_html(below.answered))
    body = "".join(parts)
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
        f'<body><div style="{_STYLE}">\n{body}</div></body></html>\n'
    )


def to_plain(text: str, below: Below = NOTHING) -> str:
    """The same for readers of plain text: Markdown is made to be read as it is written."""
    parts = [text.rstrip("\n")]
    if below.signature:
        parts.append(f"-- \n{below.signature.strip()}")
    if below.quoted:
        parts.append(below.quoted.strip("\n"))
    if below.marker:
        parts.append(below.marker)
    if below.answered is not None:
        parts.append(quotation.to_plain(below.answered))
    return "\n\n".join(part for part in parts if part) + "\n"
