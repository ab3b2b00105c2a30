"""The HTML of what operators write: made from their Markdown, and from nothing else.

Raw HTML is text, images are not loaded from anywhere, and only http, https, mailto and tel links become
links. So there is nothing to sanitise.
"""

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt

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


def to_html(text: str, *, signature: str = "", quoted: str = "", marker: str = "") -> str:
    """A whole document. `text` is Markdown; signature, quoted text and marker are shown as they are."""
    parts = [_MARKDOWN.render(text)]
    if signature:
        parts.append(f"<p>-- <br>{_as_it_is(signature)}</p>\n")
    if quoted:
        parts.append(f'<div style="border-left:2px solid #ccc;padding-left:1em">{_as_it_is(quoted)}</div>\n')
    if marker:
        parts.append(f'<p style="color:#999;font-size:11px">{html.escape(marker)}</p>\n')
    body = "".join(parts)
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
        f'<body><div style="{_STYLE}">\n{body}</div></body></html>\n'
    )


def to_plain(text: str, *, signature: str = "", quoted: str = "", marker: str = "") -> str:
    """The same for readers of plain text: Markdown is made to be read as it is written."""
    parts = [text.rstrip("\n")]
    if signature:
        parts.append(f"-- \n{signature.strip()}")
    if quoted:
        parts.append(quoted.strip("\n"))
    if marker:
        parts.append(marker)
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_it_is(text: str) -> str:
    lines = html.escape(text.strip("\n")).split("\n")
    # Leading spaces would be swallowed.
    return "<br>\n".join(re.sub(r"^ +", lambda match: "&nbsp;" * len(match[0]), line) for line in lines)
