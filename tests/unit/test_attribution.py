"""What is kept of the facts that channels tell beside a message."""

from __future__ import annotations

import pytest

from server.people.attribution import Visit, first_visit, kept, of_message, this_visit
from server.places import with_map

NOW = 1_790_000_000_000
CHAT = {
    "page": "https://shop.example/cart?token=s3cret&item=5",
    "title": "Cart",
    "referrer": "https://ya.example/?text=boots",
    "first_page": "https://shop.example/?utm_source=ya&email=i%40example.org",
    "first_title": "Shop",
    "first_at": "1780000000000",
    "utm_source": "ya",
    "order": "1187",
}


def test_addresses_lose_their_secrets_and_everything_else_stays() -> None:
    clean = kept(CHAT)
    assert clean["page"] == "https://shop.example/cart?item=5"
    assert clean["first_page"] == "https://shop.example/?utm_source=ya"
    assert clean["order"] == "1187"
    assert kept({"page": "javascript:alert(1)", "a": "b"}) == {"a": "b"}
    assert kept({"reason": "x"}) == {"reason": "x"}


def test_a_message_carries_its_page_and_the_person_his_first_visit() -> None:
    clean = kept(CHAT)
    assert set(of_message(clean)) == {"page", "title", "referrer", "order"}
    assert this_visit(clean) == Visit(
        page="https://shop.example/cart?item=5", title="Cart", referrer="https://ya.example/?text=boots"
    )
    assert first_visit(clean, NOW) == Visit(
        at=1_780_000_000_000,
        page="https://shop.example/?utm_source=ya",
        title="Shop",
        campaign={"source": "ya"},
    )


@pytest.mark.parametrize("at", ["", "soon", "-5", "9" * 20])
def test_a_time_that_is_none_is_that_of_the_message(at: str) -> None:
    visit = first_visit({"first_page": "https://a.example/", "first_at": at}, NOW)
    assert visit is not None and visit.at is None


def test_nobody_came_from_the_future() -> None:
    visit = first_visit({"first_page": "https://a.example/", "first_at": str(NOW * 2)}, NOW)
    assert visit is not None and visit.at == NOW


def test_where_nothing_is_told_nothing_is_noted() -> None:
    assert this_visit({"title": "x"}) is None
    assert first_visit({"first_title": "x"}, NOW) is None


def test_a_place_has_a_map() -> None:
    facts = with_map({"lat": "55.751999", "lon": "37.617734", "problem": ""})
    assert facts["map"].startswith("https://www.openstreetmap.org/?mlat=55.751999&mlon=37.617734")
    for wrong in (
        {"lat": "x", "lon": "1"},
        {"lat": "91", "lon": "1"},
        {"lat": "nan", "lon": "1"},
        {"lat": "1"},
    ):
        assert "map" not in with_map(wrong)
