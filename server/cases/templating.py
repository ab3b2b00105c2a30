"""Texts kept ready: which wording fits a person and a channel (pure), and what it says filled in.

A wording in the person's language comes before one in another, however well that one fits the channel;
among those of one language a channel's own comes first, then that of its medium.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec

from channels.base import Medium
from server.cases.filling import values_of
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing, check_text
from server.cases.variables import as_short_as_can_be, filled_as_far_as_known, record_kinds
from server.cases.ways import ChannelOffer
from server.protocol import FilledTemplate, NamedTemplate, OperatorInfo, Template, Variant
from server.store import card, conversations, customers, templates
from server.store.card import Showing
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction

TEMPLATES_MAX = 2000


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What a text may say of us."""

    name: str = ""
    language: str = ""  # where a person's own is not known, or nothing is worded in it


def best(
    variants: Sequence[Variant], languages: Sequence[str], channel_id: str, medium: str
) -> Variant | None:
    """`languages`: from the one that is wanted most. None: it is worded for other channels only; without a
    channel ("") each will do."""

    def rank(variant: Variant) -> tuple[int, int]:
        place = {channel_id: 0, medium: 1, "": 2}.get(variant.on, 3)
        return _language_rank(variant.language, languages), place

    fitting = [one for one in variants if not channel_id or one.on in ("", channel_id, medium)]
    return min(fitting, key=rank, default=None)


def _language_rank(language: str, wanted: Sequence[str]) -> int:
    """Smaller is better: exactly so, of any country, another country's, for everybody, the next wanted one,
    any other."""
    if not language:
        return 3
    for place, one in enumerate(wanted):
        if one and _primary(language) == _primary(one):
            exact = language.casefold() == one.casefold()
            return place * 4 + (0 if exact else 1 if "-" not in language else 2)
    return 4 * len(wanted)


def _primary(language: str) -> str:
    return language.partition("-")[0].casefold()


def filled_in(
    tx: Snapshot,
    conversation_id: int,
    operator: OperatorInfo,
    outgoing: Outgoing,
    showing: Showing,
    site: Site,
    *,
    channel_id: str = "",
    code: str = "",
) -> list[FilledTemplate]:
    """Every template whose code begins so and that has a wording for the channel, as it is for this person.
    Raises NotFoundError."""
    conversation = conversations.held(tx, conversation_id)
    person = card.whole(tx, conversation.customer_id, showing)
    if person is None:
        raise NotFoundError("customer", conversation.customer_id)
    offer = outgoing.offers.get(channel_id)
    medium = offer.capabilities.medium if offer is not None else ""
    languages = (person.language, site.language)
    chosen = [
        (template, fitting)
        for template in templates.everything(tx)
        if template.code.startswith(code.casefold())
        and (fitting := best(template.variants, languages, channel_id, medium)) is not None
    ]
    asks = (f"{{{name}}}" for template, _ in chosen for name in template.asks)
    kinds = record_kinds(*(variant.text for _, variant in chosen), *asks)
    values = dict(values_of(tx, person, kinds, operator, site.name))
    values["case"] = str(conversation.id)
    if offer is not None:
        values["channel"] = offer.title
    known = reversed(customers.addresses(tx, person.id))
    asked = {one.scheme: one.external_id for one in known if not one.account} | values
    return [_filled(template, variant, values, asked) for template, variant in chosen]


def _filled(
    template: Template, variant: Variant, values: Mapping[str, str], asked: Mapping[str, str]
) -> FilledTemplate:
    text, missing = filled_as_far_as_known(variant.text, values)
    return FilledTemplate(
        code=template.code,
        title=template.title,
        text=text,
        language=variant.language,
        on=variant.on,
        missing=missing,
        known={name: asked[name] for name in template.asks if asked.get(name)},
    )


def put(
    tx: Transaction, wanted: Sequence[NamedTemplate], operator: OperatorInfo, outgoing: Outgoing
) -> list[Template]:
    """All of them, or none. Raises RefusedError."""
    seen: set[str] = set()
    for one in wanted:
        code = one.code.casefold()
        if code in seen:
            raise RefusedError(f"the code {code} is there twice", "give each template a code of its own")
        seen.add(code)
        _check(one, outgoing.offers)
    for one in wanted:
        templates.put(tx, one.code.casefold(), one.title.strip(), one.variants, list(one.asks), operator.id)
    if templates.count(tx) > TEMPLATES_MAX:
        raise RefusedError(f"there are more than {TEMPLATES_MAX} templates", "remove some first")
    return [found for code in seen if (found := templates.one(tx, code)) is not None]


def _check(template: NamedTemplate, offers: Mapping[str, ChannelOffer]) -> None:
    places: set[tuple[str, str]] = set()
    for variant in template.variants:
        place = (variant.language.casefold(), variant.on)
        if place in places:
            words = " ".join(filter(None, (variant.language, variant.on))) or "any language and channel"
            raise RefusedError(f"{template.code} has two wordings for {words}", "keep one of them")
        places.add(place)
        if variant.on and variant.on not in offers and variant.on not in get_args(Medium):
            known = ", ".join([*get_args(Medium), *sorted(offers)])
            raise RefusedError(f"{template.code}: there is no channel {variant.on}", f"one of {known}")
        for offer in offers.values():
            if variant.on in (offer.id, offer.capabilities.medium):
                try:
                    check_text(as_short_as_can_be(variant.text), 0, offer)
                except RefusedError as error:
                    raise RefusedError(f"{template.code}: {error}", error.hint) from error


def remove(tx: Transaction, code: str, operator: OperatorInfo) -> Template:
    """Raises NotFoundError."""
    found = templates.one(tx, code.casefold())
    if found is None:
        raise NotFoundError("template", code)
    templates.remove(tx, found.code, operator.id)
    return found
