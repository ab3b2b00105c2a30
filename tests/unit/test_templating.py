"""Which wording fits whom, and what a text may not leave with."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from omni_console.demo.ready_texts import ready_texts
from omni_console.templates_file import UnreadableError, read
from server.cases.templating import best
from server.cases.variables import as_short_as_can_be, filled_as_far_as_known, still_open
from server.protocol import Variant


def wording(language: str = "", on: str = "") -> Variant:
    return Variant(text=f"{language or 'any'} {on or 'all'}", language=language, on=on)


def chosen(variants: Sequence[Variant], languages: Sequence[str], channel: str, medium: str) -> Variant:
    found = best(variants, languages, channel, medium)
    assert found is not None
    return found


ALL = [
    wording(),
    wording("ru"),
    wording("pt"),
    wording("pt-BR"),
    wording("ru", "chat"),
    wording("", "chat"),
    wording("ru", "shop"),
]


@pytest.mark.parametrize(
    ("language", "channel", "medium", "expected"),
    [
        ("ru", "mail", "email", "ru all"),
        ("ru", "site", "chat", "ru chat"),
        ("RU-ru", "shop", "chat", "ru shop"),
        ("pt-br", "site", "chat", "pt-BR all"),  # his language before the channel's own wording
        ("pt-PT", "mail", "email", "pt all"),
        ("", "site", "chat", "any chat"),
        ("de", "mail", "email", "any all"),
        ("", "", "", "any all"),
    ],
)
def test_the_persons_language_comes_first_then_the_channel(
    language: str, channel: str, medium: str, expected: str
) -> None:
    assert chosen(ALL, (language, "en"), channel, medium).text == expected
    assert chosen(ALL[::-1], (language, "en"), channel, medium).text == expected


def test_without_a_wording_for_all_the_sites_language_counts() -> None:
    two = [wording("de"), wording("ru")]
    assert chosen(two, ("fr", "ru"), "mail", "email").language == "ru"
    assert chosen(two, ("", "ru"), "mail", "email").language == "ru"
    assert best(two, ("fr", "en"), "mail", "email") in two


def test_another_channels_wording_is_none_for_this_one() -> None:
    assert chosen([wording("ru", "shop"), wording("de")], ("ru", ""), "mail", "email").language == "de"
    assert best([wording("ru", "shop")], ("ru", ""), "mail", "email") is None
    # Nobody knows yet by which channel it goes: each will do.
    assert chosen([wording("ru", "shop")], ("ru", ""), "", "").on == "shop"


def test_filled_as_far_as_known() -> None:
    text, missing = filled_as_far_as_known("{name}: {order.number}, {name}", {"name": "{city} {x}"})
    assert (text, missing) == ("(city) (x): {order.number}, (city) (x)", ["order.number"])


def test_what_still_stands_open() -> None:
    assert still_open("{name} {city} {id} { name }", {"city"}) == ["name", "city"]
    assert as_short_as_can_be("{order.number}!") == "x!"


def test_the_demos_templates_can_be_read() -> None:
    found = {one.code: one for one in ready_texts()}
    assert set(found) == {"hi", "look", "where", "thanks"}
    assert chosen(found["look"].variants, ("ru", "en"), "support", "email").text.endswith(
        "{operator}\n{site}"
    )
    assert all({"", "ru"} == {one.language for one in template.variants} for template in found.values())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "templates"),
        ("[templates]", "no template"),
        ("[templates.a]", "templates.a"),
        ("[templates.a]\ntekst = 'x'", "tekst"),
        ("[templates.'a b']\ntext = 'x'", "templates.a b"),
        ("[templates.a]\nvariants = [{text = 'x', language = 'not a language'}]", "templates.a"),
        ("templates = 1", "object"),
        ("=", "1"),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(text.encode())
