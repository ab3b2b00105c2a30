"""`[fields]` and `[segments]` of omni.toml: what cards may hold besides what every site has, and saved
filters over it. Pure: what is wrong with them is a SettingError that says where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from server.protocol import FieldKind, FieldSpec, Role

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SettingError(ValueError):
    """What is wrong with a table; `key` is the place inside it, `hint` what to write instead."""

    def __init__(self, message: str, *, key: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


class FieldError(ValueError):
    """A value that the field cannot hold, or a field that there is not."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class FieldSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[fields.NAME]`; of a field that every site has, only `hidden_from`."""

    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    kind: FieldKind = "text"
    choices: list[Text] = []
    hidden_from: list[Literal["reader", "operator", "lead"]] = []  # administrators see everything


class Condition(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"is_": "is", "not_": "not"}
):
    """One line of a segment: exactly one of `field`, `tag`, `record`, `consent`, and what is asked of it.

    field: it is one of `is`, at least, at most, or (nothing asked) has a value. record: there are so many of
    this kind, `state` and age. consent: for a purpose, given by `scheme` or for all. `not` turns it round.
    """

    field: str = ""
    tag: str = ""
    record: str = ""
    consent: str = ""
    is_: Text | list[Text] | None = None
    at_least: int | float | date | None = None
    at_most: int | float | date | None = None
    state: Text | list[Text] | None = None
    within_days: Days | None = None
    scheme: str = ""
    not_: bool = False


class SegmentSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[segments.NAME]`"""

    title: Text
    where: Annotated[list[Condition], msgspec.Meta(min_length=1, max_length=20)]
    match: Literal["all", "any"] = "all"


# What every site has. Channels bring the first four; the last three have keys of their own in commands.
BUILT_IN: dict[str, FieldSpec] = {
    spec.name: spec
    for spec in (
        FieldSpec(name="first_name", title="First name", own=False),
        FieldSpec(name="last_name", title="Last name", own=False),
        FieldSpec(name="username", title="User name", own=False),
        FieldSpec(name="company", title="Company", own=False),
        FieldSpec(name="name", title="Name", own=False),
        FieldSpec(name="language", title="Language", own=False),
        FieldSpec(name="time_zone", title="Time zone", own=False),
        FieldSpec(name="preferred_channel", title="Preferred channel", own=False),
    )
}
# What hiding them would not hide, and why.
ALWAYS_SHOWN = {
    "name": "it stands on each of his conversations",
    "language": "assignments and the wordings of templates go by it, and say so",
    "preferred_channel": "the order of the ways to answer him tells it",
}
OWN_KEYS = frozenset({"name", "language", "time_zone", "preferred_channel"})  # of a CardCommand


def check_field(name: str, settings: FieldSettings) -> None:
    """Raises SettingError."""
    if not NAME.fullmatch(name):
        raise SettingError("not a field's name", hint="small Latin letters, digits, '.', '_' and '-'")
    if name in BUILT_IN:
        _check_built_in(name, settings)
        return
    if name.startswith(("consent.", "import.")):
        raise SettingError("every site has this one already", hint="choose another name")
    if not settings.title.strip():
        raise SettingError("what is it called?", key="title", hint='title = "Plan"')
    if (settings.kind == "choice") != bool(settings.choices):
        raise SettingError(
            "a field of kind choice has choices, and no other has", key="choices", hint='choices = ["a", "b"]'
        )
    if len(set(settings.choices)) != len(settings.choices):
        raise SettingError("a choice is there twice", key="choices")


def _check_built_in(name: str, settings: FieldSettings) -> None:
    if settings != FieldSettings(hidden_from=settings.hidden_from) or not settings.hidden_from:
        raise SettingError(
            "every site has this one already",
            hint="choose another name, or set hidden_from alone: it can only be hidden",
        )
    if name in ALWAYS_SHOWN:
        raise SettingError(f"it cannot be hidden: {ALWAYS_SHOWN[name]}", key="hidden_from")


def check_segment(name: str, settings: SegmentSettings, fields: Mapping[str, FieldSettings]) -> None:
    """Raises SettingError."""
    if not NAME.fullmatch(name):
        raise SettingError("not a segment's name", hint="small Latin letters, digits, '.', '_' and '-'")
    for number, condition in enumerate(settings.where):
        try:
            _check_condition(condition, fields)
        except SettingError as error:
            place = f"where[{number}]" + (f".{error.key}" if error.key else "")
            raise SettingError(str(error), key=place, hint=error.hint) from error


def _check_condition(condition: Condition, fields: Mapping[str, FieldSettings]) -> None:
    subjects = [name for name in ("field", "tag", "record", "consent") if getattr(condition, name)]
    if len(subjects) != 1:
        raise SettingError(
            "a condition asks about one thing", hint="write one of field, tag, record, consent"
        )
    allowed = {
        "field": {"is_", "at_least", "at_most"},
        "tag": set(),
        "record": {"state", "within_days", "at_least", "at_most"},
        "consent": {"scheme"},
    }[subjects[0]]
    given = {
        name
        for name in ("is_", "at_least", "at_most", "state", "within_days", "scheme")
        if getattr(condition, name) not in (None, "")
    }
    if stray := sorted(given - allowed):
        raise SettingError(
            f"has no meaning for a {subjects[0]}", key=stray[0].rstrip("_"), hint="leave it out"
        )
    if condition.field:
        _check_field_condition(condition, fields)
    if condition.record and any(isinstance(bound, date) for bound in (condition.at_least, condition.at_most)):
        raise SettingError("how many records is a number", key="at_least")


def _check_field_condition(condition: Condition, fields: Mapping[str, FieldSettings]) -> None:
    spec = spec_of(condition.field, fields)
    if spec is None:
        raise SettingError(
            f"there is no field {condition.field!r}", key="field", hint="declare it under [fields]"
        )
    for key in ("at_least", "at_most"):
        bound = getattr(condition, key)
        wanted: type | tuple[type, ...] = date if spec.kind == "date" else (int, float)
        if bound is not None and (spec.kind not in ("date", "number") or not isinstance(bound, wanted)):
            raise SettingError(f"the field {spec.name} is of kind {spec.kind}", key=key)
    for value in listed(condition.is_):
        try:
            checked(spec, value)
        except FieldError as error:
            raise SettingError(str(error), key="is", hint=error.hint) from error


def listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


# --- values ---------------------------------------------------------------------------------------


def spec_of(name: str, fields: Mapping[str, FieldSettings]) -> FieldSpec | None:
    if name in BUILT_IN:
        return BUILT_IN[name]
    own = fields.get(name)
    if own is None:
        return None
    return FieldSpec(name=name, title=own.title, kind=own.kind, choices=list(own.choices))


def hidden(role: Role, fields: Mapping[str, FieldSettings]) -> frozenset[str]:
    """Names of the fields that this role does not get to see, or to write."""
    return frozenset(name for name, settings in fields.items() if role in settings.hidden_from)


def uses_hidden(segment: SegmentSettings, names: frozenset[str]) -> bool:
    """Whether who is in the segment tells what is in one of these fields."""
    return any(condition.field in names for condition in segment.where)


_NUMBER = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,6})?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_FLAGS = {
    "yes": "yes",
    "no": "no",
    "true": "yes",
    "false": "no",
    "1": "yes",
    "0": "no",
    "да": "yes",
    "нет": "no",
}


def checked(spec: FieldSpec, value: str) -> str:
    """The value in the one form in which it is kept; '' removes it. Raises FieldError."""
    text = value.strip()
    if not text:
        return ""
    if "\x00" in text:
        raise FieldError(f"{spec.title}: holds characters that are no text")
    if spec.name == "language":
        return _language(text)
    if spec.name == "time_zone":
        return _time_zone(text)
    if spec.kind == "number":
        if not _NUMBER.fullmatch(text.replace(" ", "")):
            raise FieldError(f"{spec.title}: {text[:40]!r} is not a number", "write 12 or 12.5")
        plain = text.replace(" ", "").replace(",", ".").lstrip("+")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if spec.kind == "date":
        return _date(spec, text)
    if spec.kind == "flag":
        if text.lower() not in _FLAGS:
            raise FieldError(f"{spec.title}: {text[:40]!r} is neither yes nor no", "write yes or no")
        return _FLAGS[text.lower()]
    if spec.kind == "choice" and text not in spec.choices:
        raise FieldError(f"{spec.title}: there is no {text[:40]!r}", "choices: " + ", ".join(spec.choices))
    if spec.kind == "link" and not _is_link(text):
        raise FieldError(f"{spec.title}: {text[:40]!r} is not a web address", "write https://…")
    return text


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise FieldError(f"{text[:40]!r} is not a language", "write a BCP 47 tag: ru, en, pt-BR")
    first, *rest = re.split("[-_]", text)
    return "-".join([first.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FieldError(
            f"there is no time zone {text[:40]!r}", "write an IANA name: Europe/Moscow"
        ) from error
    return text


def _date(spec: FieldSpec, text: str) -> str:
    russian = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    day = f"{russian[3]}-{int(russian[2]):02}-{int(russian[1]):02}" if russian else text
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as error:
        raise FieldError(f"{spec.title}: {text[:40]!r} is not a date", "write YYYY-MM-DD") from error


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
