"""Texts kept ready: what is stored, and what becomes of it for one person."""

from __future__ import annotations

from typing import Annotated

import msgspec

# How a variable is written: {name}, {order.number}. What is in other braces is text.
VARIABLE = r"\{([a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*)\}"

Code = Annotated[str, msgspec.Meta(pattern=r"^\w[\w.-]{0,31}$")]  # without regard to case
Language = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", max_length=35)]


Asked = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*$", max_length=64)]


class Variant(msgspec.Struct, kw_only=True):
    """One wording. `language`: BCP 47, "" for any; `on`: a channel's id, or a medium (chat, messenger,
    email, call), "" for all of them."""

    text: Annotated[str, msgspec.Meta(max_length=20_000, pattern=r"\S")]
    language: Language = ""
    on: Annotated[str, msgspec.Meta(max_length=64)] = ""


class TemplateCommand(msgspec.Struct, kw_only=True):
    """The template is exactly this from now on."""

    title: Annotated[str, msgspec.Meta(max_length=100, pattern=r"\S")]
    variants: Annotated[list[Variant], msgspec.Meta(min_length=1, max_length=60)]
    # What it asks the customer for: "phone", "email", a variable's name. Whoever uses it is told what of that
    # the card knows already: nobody is asked twice.
    asks: Annotated[list[Asked], msgspec.Meta(max_length=20)] = []


class NamedTemplate(TemplateCommand, kw_only=True):
    code: Code


class TemplatesCommand(msgspec.Struct, kw_only=True):
    """Every one of them, or none; those that are not named stay as they are."""

    templates: Annotated[list[NamedTemplate], msgspec.Meta(min_length=1, max_length=1000)]


class Template(msgspec.Struct, kw_only=True):
    code: str
    title: str
    variants: list[Variant]
    updated_at: int
    asks: list[str] = []
    by: str = ""  # operator's name


class FilledTemplate(msgspec.Struct, kw_only=True):
    """The wording for one person on one channel. What is in `missing` still stands in the text, in braces;
    a reply that holds it is refused."""

    code: str
    title: str
    text: str
    language: str = ""  # of the wording that was chosen
    on: str = ""
    missing: list[str] = []
    known: dict[str, str] = {}  # of what it asks for: what the card says already
