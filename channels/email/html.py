"""HTML mail → text for a terminal. One pass over the tree, without recursion and without the network.

Links keep their address visible, and say where they go when their text pretends otherwise. Tables come
row by row, quotations get "> ", what is hidden on purpose (preheaders, tracking pixels) is left out. What
mail programs mark as quoted or as a signature comes as ranges of the text.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

from channels.email import html_ranges as ranges
from channels.email.addresses import ascii_domain
from channels.email.html_writer import MAX_TEXT, Writer

MAX_SOURCE = 4_000_000
MAX_URL = 2_000
MAX_CELL = 200  # characters of a table's cell that is still one of a row of data

_SKIP = frozenset(
    [
        "script",
        "style",
        "head",
        "title",
        "template",
        "noscript",
        "svg",
        "math",
        "object",
        "embed",
        "applet",
        "iframe",
        "audio",
        "video",
        "select",
        "-comment",
        "-doctype",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "button",
        "option",
        "textarea",
        "aside",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "legend",
        "main",
        "nav",
        "section",
        "summary",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "caption",
    ]
)
_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre"])
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
# These close themselves, or each other.
_NEVER_DEEP = frozenset(["area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta"])
_NEVER_DEEP |= frozenset(["option", "p", "td", "th", "tr", "wbr"])
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|(?:font-size|max-height|opacity)\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)

_TIGHT = re.compile(r"margin(?:-bottom)?:\s*0(?:cm|in|px|pt)?(?![.\d])", re.IGNORECASE)
_TIGHT_STYLE = re.compile(r"\bp\s*\{\s*margin-top:\s*0;\s*margin-bottom:\s*0", re.IGNORECASE)
_INDENT = re.compile(r"border(?:-left)?:\s*(?:none|0|medium none)", re.IGNORECASE)


class Rendered(msgspec.Struct, frozen=True):
    """`remote_images`: how many images the mail wanted to load from elsewhere (they never are).

    `quoted`, `signature`: ranges of the text that the sender's program marks as such; sorted, disjoint.
    """

    text: str
    remote_images: int = 0
    quoted: tuple[tuple[int, int], ...] = ()
    signature: tuple[tuple[int, int], ...] = ()


def render(source: str) -> Rendered:
    """Readable text of an HTML document, total and in linear time."""
    source = source[:MAX_SOURCE]
    if _is_hostile(source):
        stripped = unescape(re.sub(r"<[^<>]*>", " ", source))
        return Rendered(" ".join(stripped.split())[:MAX_TEXT])
    tree = LexborHTMLParser(source)
    root = tree.body or tree.root
    if root is None:
        return Rendered("")
    writer = Writer()
    lists: list[int | None] = []  # next number of an ordered list, None for a bullet list
    links: list[tuple[str, int]] = []
    remote_images = 0
    preformatted = 0
    tight = _TIGHT_STYLE.search(source[:10_000]) is not None
    sizes: list[tuple[int, int]] = []  # of the text, and its blanks, at the beginning of each open element
    finder = ranges.Finder()
    open_ranges: list[ranges.Mark | None] = []  # of each open element
    stack: list[tuple[LexborNode, bool]] = [(root, False)]
    while stack and not writer.full:
        node, leaving = stack.pop()
        tag = node.tag or ""
        if node.is_text_node:
            text = node.text_content or ""
            if preformatted:
                writer.verbatim(text)
            else:
                writer.words(text)
            continue
        if tag in _SKIP:
            continue
        if not leaving:
            attributes = node.attributes
            if _is_hidden(attributes):
                continue
            if finder.begins_history(node, tag, attributes):
                writer.break_line()
                writer.begin(ranges.QUOTE)
            if tag == "br":
                writer.explicit_break()
                continue
            if tag == "hr":
                writer.break_line()
                writer.words("-" * 20)
                writer.break_line()
                continue
            if tag == "img":
                remote_images += _is_remote(attributes)
                label = _image_label(attributes)
                if label:
                    writer.words(f" {label} ")
                continue
            if tag in ("td", "th"):
                writer.cell = not writer.empty_line and writer.breaks == 0
            elif tag in _PARAGRAPHS:
                close = (tag in ("ul", "ol") and lists) or (tag == "p" and (tight or _is_tight(attributes)))
                writer.break_line(1 if close else 2)
            elif tag in _BLOCKS:
                writer.break_line()
                if tag == "tr":
                    writer.flat = _fits_on_a_line(node)
            marked = finder.container(node, tag, attributes)
            if marked is not None:
                writer.begin(marked)
            if tag == "blockquote":
                writer.quotes += not _is_indent(attributes)
            elif tag in ("ul", "ol"):
                lists.append(1 if tag == "ol" else None)
            elif tag == "li":
                writer.break_line()
                bullet = "- "
                if lists and lists[-1] is not None:
                    bullet = f"{lists[-1]}. "
                    lists[-1] += 1
                writer.indent.append(" " * len(bullet))
                writer.bullet = bullet
            elif tag == "pre":
                preformatted += 1
            elif tag == "a":
                links.append(((attributes.get("href") or "").strip(), len(writer.pieces)))
            stack.append((node, True))
            sizes.append((writer.size, writer.blanks))
            open_ranges.append(marked)
            stack.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
            continue
        size, blanks = sizes.pop()
        empty = size == writer.size and blanks < writer.blanks
        if (marked := open_ranges.pop()) is not None:
            writer.end(marked)
            finder.leave(marked)
        if tag == "blockquote":
            writer.break_line(2)
            writer.quotes -= not _is_indent(node.attributes)
        elif tag in ("ul", "ol"):
            lists.pop()
            writer.break_line(1 if lists else 2)
        elif tag == "li":
            writer.indent.pop()
            writer.bullet = ""
            writer.break_line()
        elif tag == "pre":
            preformatted -= 1
            writer.break_line(2)
        elif tag == "a":
            href, begin = links.pop()
            note = link_note("".join(writer.pieces[begin:]).translate(ranges.MARKS), href)
            if note:
                writer.words(f" {note}")
        elif tag in _PARAGRAPHS:
            close = tag == "p" and (tight or _is_tight(node.attributes)) and not empty
            writer.break_line(1 if close else 2)
        elif tag in _BLOCKS:
            writer.flat = writer.flat and tag != "tr"
            writer.break_line(2 if empty and tag == "div" else 1)
    text = "".join(writer.pieces)
    if writer.full:
        text = text[:MAX_TEXT] + "\n[…]"
    plain, quoted, signature = ranges.taken_out(_tidy(text))
    return Rendered(plain, remote_images, quoted, signature)


def _fits_on_a_line(row: LexborNode) -> bool:
    """Is this a row of data, and not of a page's layout? Word wraps each cell into a paragraph of its own."""
    if row.css_first("table, ul, ol, blockquote, pre") is not None:
        return False
    cells = [len(cell.text(deep=True).strip()) for cell in row.iter() if cell.tag in ("td", "th")]
    return len(cells) > 1 and max(cells) <= MAX_CELL


def _is_tight(attributes: dict[str, str | None]) -> bool:
    """Word's paragraphs are lines: it writes empty ones where a person sees an empty line."""
    names, style = attributes.get("class") or "", attributes.get("style") or ""
    return names.startswith("Mso") or _TIGHT.search(style) is not None


def _is_indent(attributes: dict[str, str | None]) -> bool:
    """Gmail and others indent the writer's own lines by a blockquote without a border."""
    style = attributes.get("style") or ""
    return (
        _INDENT.search(style) is not None
        and "cite" not in attributes
        and attributes.get("type") != "cite"
        and "quote" not in (attributes.get("class") or "")
    )


def _is_hostile(source: str) -> bool:
    """Would the parser need quadratic time or memory? It does for deep nesting (measured: 50,000 open
    div 2.2 s), and repeats every open formatting element in every paragraph."""
    depth = formatting = 0
    for match in _TAG.finditer(source):
        step = -1 if match[1] else 1
        name = match[2].lower()
        if name in _FORMATTING:
            formatting = max(0, formatting + step)
        elif name not in _NEVER_DEEP:
            depth = max(0, depth + step)
        if depth > 5_000 or formatting > 200:
            return True
    return False


def link_note(text: str, href: str) -> str:
    """What to show behind a link's text: nothing, its address, or its address with a warning."""
    href = re.sub(r"[\x00-\x20\x7f]+", "", href)[:MAX_URL]
    scheme = href.partition(":")[0].lower()
    shown = " ".join(text[: 2 * MAX_URL].split()).lstrip("> ")[:MAX_URL]
    if scheme in ("mailto", "tel"):
        target = href.partition(":")[2].partition("?")[0]
        if scheme == "tel" and re.sub(r"\D", "", target) == re.sub(r"\D", "", shown):
            return ""
        return "" if target.lower() in shown.lower() else f"<{target}>"
    if scheme not in ("http", "https", "ftp"):
        return ""
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return f"<{href}>"
    plain = href.rstrip("/")
    if shown.rstrip("/") in (plain, plain.partition("://")[2]):
        shown = ""
    true_host = ascii_domain(host)
    pretended = re.search(r"(?:https?://)?((?:[\w-]+\.)+[\w-]{2,})(?=[/:?#\s]|$)", shown[:300])
    lies = pretended is not None and not _same_site(ascii_domain(pretended[1]), true_host)
    warning = f" [goes to {true_host}]" if lies or parts.username is not None or true_host != host else ""
    if not shown and not warning:
        return ""
    return f"<{href}>{warning}"


def _same_site(shown: str, true: str) -> bool:
    return shown.removeprefix("www.") == true.removeprefix("www.")


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    if "hidden" in attributes:
        return True
    return _HIDDEN.search(attributes.get("style") or "") is not None


def _is_remote(attributes: dict[str, str | None]) -> bool:
    return re.match(r"\s*(?:https?:)?//", attributes.get("src") or "", re.IGNORECASE) is not None


def _image_label(attributes: dict[str, str | None]) -> str:
    for side in ("width", "height"):
        if re.match(r"\s*[01](?:px)?\s*$", attributes.get(side) or ""):
            return ""
    alternative = " ".join((attributes.get("alt") or "").split())[:200]
    if alternative:
        return f"[image: {alternative}]"
    return "[image]" if (attributes.get("src") or "").lower().startswith("cid:") else ""


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
