"""From where a person came: what a channel tells of pages and advertisements, as it is kept. Pure.

Facts come as `InboundEvent.detail`: `page`, `title`, `referrer` of the page he writes from; `utm_source` and
its like of the advertisement; `first_page`, `first_title`, `first_referrer`, `first_at` (UTC milliseconds)
of the first visit in this browser.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from channels.web_address import CAMPAIGN, campaign, clean_address

TEXT_MAX = 300
_ADDRESSES = frozenset({"page", "referrer", "first_page", "first_referrer"})
_FIRST = frozenset({"first_page", "first_title", "first_referrer", "first_at"})


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """`at` None: when the message was written."""

    at: int | None = None
    page: str = ""
    title: str = ""
    referrer: str = ""
    campaign: dict[str, str] = {}


def kept(detail: Mapping[str, str]) -> dict[str, str]:
    """What may be stored of the facts: addresses without secrets."""
    if not any(name in _ADDRESSES for name in detail):
        return dict(detail)
    clean = {name: clean_address(value) if name in _ADDRESSES else value for name, value in detail.items()}
    return {name: value for name, value in clean.items() if value}


def of_message(detail: Mapping[str, str]) -> dict[str, str]:
    """The facts that belong to the message itself; those of the first visit are the person's."""
    return {name: value for name, value in detail.items() if name not in _FIRST and name not in CAMPAIGN}


def this_visit(detail: Mapping[str, str]) -> Visit | None:
    """The page he writes from, or None where nothing is told of one."""
    visit = Visit(
        page=detail.get("page", ""),
        title=detail.get("title", "")[:TEXT_MAX],
        referrer=detail.get("referrer", ""),
        campaign=campaign(detail.get("page", "")),
    )
    return visit if visit.page or visit.referrer else None


def first_visit(detail: Mapping[str, str], now: int) -> Visit | None:
    """The first visit, where the channel remembers one or the advertisement that led to it."""
    given = {name[4:]: detail[name][:TEXT_MAX] for name in CAMPAIGN if detail.get(name)}
    page = detail.get("first_page", "")
    visit = Visit(
        at=_moment(detail.get("first_at", ""), now),
        page=page,
        title=detail.get("first_title", "")[:TEXT_MAX],
        referrer=detail.get("first_referrer", ""),
        campaign=given or campaign(page),
    )
    return visit if visit.page or visit.referrer or visit.campaign else None


def _moment(text: str, now: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        return None
    return min(int(text), now)
