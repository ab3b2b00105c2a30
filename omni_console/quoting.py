"""What a message said, as a quotation in the answer to it. Pure."""

from __future__ import annotations

from server.protocol import Message

QUOTED_MAX = 4_000  # characters of one message


def own_words(message: Message) -> str:
    """What its author wrote of a reply of ours: without what it quotes below."""
    at = message.detail.get("quote_at", "")
    return message.text[: int(at)].rstrip("\n") if at.isdecimal() else message.text


def new_words(message: Message) -> str:
    """A message without what is folded in it: earlier quotations and signatures."""
    text, kept = message.text, []
    position = 0
    for fold in message.folds:
        kept.append(text[position : fold.start])
        position = max(position, fold.end)
    kept.append(text[position:])
    return "".join(kept).strip()


def quoted(message: Message) -> str:
    """Every line behind "> "; "" where there is nothing to quote."""
    words = new_words(message)
    if len(words) > QUOTED_MAX:
        words = words[:QUOTED_MAX].rstrip() + "\n[…]"
    return "\n".join(f"> {line}".rstrip() for line in words.splitlines())
