"""What is answered, below the answer, as mail programs write it. Pure.

Text and nothing else: escaped, without pictures, links or files of its own. The classes are those by which
Gmail, Apple Mail and Thunderbird know a quotation and fold it (html_ranges.py reads them too).
"""

from __future__ import annotations

import html
import re

from channels.base import Quotation

_STYLE = "margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"


def to_plain(answered: Quotation) -> str:
    """The line, then every line of the words behind "> "."""
    lines = (f"> {line}".rstrip() for line in answered.words.split("\n"))
    return "\n".join([answered.line, *lines])


def to_html(answered: Quotation) -> str:
    """`dir="auto"`: whoever writes from right to left is quoted so."""
    return (
        '<div class="gmail_quote">'
        f'<div dir="auto" class="gmail_attr">{html.escape(answered.line)}<br></div>\n'
        f'<blockquote class="gmail_quote" type="cite" dir="auto" style="{_STYLE}">'
        f"{as_it_is(answered.words)}</blockquote></div>\n"
    )


def as_it_is(text: str) -> str:
    """Text as HTML that shows it unchanged."""
    lines = html.escape(text.strip("\n")).split("\n")
    # Leading spaces would be swallowed.
    return "<br>\n".join(re.sub(r"^ +", lambda match: "&nbsp;" * len(match[0]), line) for line in lines)
