"""`[fields]` and `[segments]` of omni.toml, and the values that fields hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import decode
from server.people.card_settings import FieldError, FieldSettings, checked, hidden, spec_of, uses_hidden
from server.protocol import FieldKind, FieldSpec
from server.settings import Config
from server.tables import ConfigError

GOOD = """
[fields.plan]
title = "Plan"
kind = "choice"
choices = ["gold", "silver"]
hidden_from = ["reader"]

[fields.since]
title = "Customer since"
kind = "date"

[segments.vip]
title = "VIP"
where = [
  { field = "plan", is = ["gold", "silver"] },
  { record = "order", at_least = 3, within_days = 365 },
  { tag = "left", not = true },
  { consent = "marketing", scheme = "email" },
  { field = "since", at_most = 2026-01-01 },
]
"""


def read(text: str) -> Config:
    return decode(text.encode(), Path("/somewhere/omni.toml"))


def test_fields_and_segments_are_read() -> None:
    config = read(GOOD)
    assert config.fields["plan"].choices == ["gold", "silver"]
    assert [one.not_ for one in config.segments["vip"].where] == [False, False, True, False, False]
    assert hidden("reader", config.fields) == {"plan"} and not hidden("admin", config.fields)
    assert uses_hidden(config.segments["vip"], hidden("reader", config.fields))


def test_a_field_that_every_site_has_can_be_hidden_and_stays_what_it_is() -> None:
    vip = '[segments.vip]\ntitle = "VIP"\nwhere = [{ field = "company", is = "Works" }]'
    config = read(f'[fields.company]\nhidden_from = ["reader"]\n{vip}')
    assert hidden("reader", config.fields) == {"company"} and not hidden("operator", config.fields)
    assert uses_hidden(config.segments["vip"], hidden("reader", config.fields))
    assert spec_of("company", config.fields) == spec_of("company", {})


def field(text: str) -> str:
    return f'[fields.x]\ntitle = "X"\n{text}'


def segment(text: str) -> str:
    return f'{GOOD}\n[segments.x]\ntitle = "X"\nwhere = [{text}]'


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ('[fields.name]\ntitle = "Name"', "fields.name", "another"),
        ('[fields.company]\ntitle = "Firm"\nhidden_from = ["reader"]', "fields.company", "alone"),
        ("[fields.company]", "fields.company", "hidden_from"),
        ('[fields.name]\nhidden_from = ["reader"]', "fields.name.hidden_from", ""),
        ('[fields.language]\nhidden_from = ["reader"]', "fields.language.hidden_from", ""),
        ("[fields.x]", "fields.x.title", "title ="),
        ('[fields."Ünknown"]\ntitle = "X"', "fields.Ünknown", "small Latin"),
        ('[fields]\nx = "X"', "fields.x", "[fields.x]"),
        (field('kind = "chice"'), "fields.x.kind", "choice"),
        (field('kind = "choice"'), "fields.x.choices", "choices ="),
        (field('choices = ["a"]'), "fields.x.choices", "choices ="),
        (field('kind = "choice"\nchoices = ["a", "a"]'), "fields.x.choices", ""),
        (field('hidden_from = ["admin"]'), "fields.x.hidden_from[0]", "reader"),
        (field("titel = 1"), "fields.x.titel", "title"),
        (segment(""), "segments.x.where", ""),
        (segment("{}"), "segments.x.where[0]", "write one"),
        (segment('{ tag = "a", field = "plan" }'), "segments.x.where[0]", "write one"),
        (segment('{ tag = "a" }, { field = "plam" }'), "segments.x.where[1].field", "declare"),
        (segment('{ tag = "a", is = "b" }'), "segments.x.where[0].is", "leave it out"),
        (segment('{ field = "plan", is = "bronze" }'), "segments.x.where[0].is", "choices: gold"),
        (segment('{ field = "plan", at_least = 3 }'), "segments.x.where[0].at_least", ""),
        (segment('{ field = "since", at_least = 3 }'), "segments.x.where[0].at_least", ""),
        (segment('{ record = "order", at_least = 2026-01-01 }'), "segments.x.where[0].at_least", ""),
        (segment('{ tagg = "a" }'), "segments.x.where[0].tagg", "tag"),
        (segment('{ sql = "1=1" }'), "segments.x.where[0].sql", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.key == key
    assert hint in caught.value.hint


def spec(kind: FieldKind = "text", *choices: str) -> FieldSpec:
    return FieldSpec(name="x", title="X", kind=kind, choices=list(choices))


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("text", "  a\nb ", "a\nb"),
        ("text", " ", ""),
        ("number", "12,50", "12.5"),
        ("number", "+1 000", "1000"),
        ("number", "-0.10", "-0.1"),
        ("date", "31.12.2026", "2026-12-31"),
        ("date", "2026-12-31", "2026-12-31"),
        ("flag", "Да", "yes"),
        ("flag", "0", "no"),
        ("link", "https://example.org/a?b=c", "https://example.org/a?b=c"),
        ("choice", "gold", "gold"),
    ],
)
def test_values_are_kept_in_one_form(kind: FieldKind, given: str, kept: str) -> None:
    assert checked(spec(kind, *(["gold"] if kind == "choice" else [])), given) == kept


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("text", "a\x00b"),
        ("number", "twelve"),
        ("number", "1e9"),
        ("number", "nan"),
        ("date", "2026-02-30"),
        ("date", "tomorrow"),
        ("flag", "maybe"),
        ("link", "javascript:alert(1)"),
        ("link", "https://"),
        ("choice", "bronze"),
    ],
)
def test_values_that_a_field_cannot_hold(kind: FieldKind, given: str) -> None:
    with pytest.raises(FieldError):
        checked(spec(kind, *(["gold"] if kind == "choice" else [])), given)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("language", "RU_ru", "ru-RU"),
        ("language", "en", "en"),
        ("time_zone", "Europe/Moscow", "Europe/Moscow"),
    ],
)
def test_languages_and_time_zones(name: str, given: str, kept: str) -> None:
    known = spec_of(name, {})
    assert known is not None and checked(known, given) == kept
    with pytest.raises(FieldError):
        checked(known, "no such thing")
    with pytest.raises(FieldError):
        checked(known, "../../etc/passwd")


def test_own_fields_say_so() -> None:
    own = spec_of("plan", {"plan": FieldSettings(title="Plan")})
    assert own is not None and own.own
    everybody = spec_of("company", {})
    assert everybody is not None and not everybody.own
    assert spec_of("nothing", {}) is None
