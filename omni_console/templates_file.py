"""A file of templates, as a person writes it:

[templates.thanks]
title = "Thank you"
text = "Thank you, {name}!"          # in any language, on any channel

[[templates.thanks.variants]]
language = "ru"                      # and/or on = "chat", on = "support-mail"
text = "Спасибо, {name}!"
"""

from __future__ import annotations

from typing import Any

import msgspec

from server.protocol import NamedTemplate, Variant


class UnreadableError(Exception):
    """Says what is wrong, and where in the file."""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    title: str = ""
    text: str = ""
    variants: list[Variant] = []
    asks: list[str] = []


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    templates: dict[str, Any]


def read(data: bytes) -> list[NamedTemplate]:
    """At least one. Raises UnreadableError."""
    try:
        tables = msgspec.toml.decode(data, type=_Whole).templates
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableError(str(error)) from error
    if not tables:
        raise UnreadableError("there is no template in it")
    return [_named(code, table) for code, table in tables.items()]


def _named(code: str, raw_table: Any) -> NamedTemplate:
    try:
        table = msgspec.convert(raw_table, _Table)
        plainest = [Variant(text=table.text)] if table.text else []
        raw = {"code": code, "title": table.title or code, "variants": [*plainest, *table.variants]}
        raw["asks"] = table.asks
        return msgspec.convert(msgspec.to_builtins(raw), NamedTemplate)
    except msgspec.ValidationError as error:
        raise UnreadableError(f"templates.{code}: {error}") from error
