"""Addresses of pages are kept without what could open something or says who somebody is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.web_address import campaign, clean_address
from channels.webchat.incoming import kept, page_detail

SECRETS = [
    "token=abc",
    "access_token=abc",
    "sessionId=9",
    "PHPSESSID=q1w2",
    "password=hunter2",
    "pwd=x",
    "code=123456",
    "otp=123456",
    "sig=0f",
    "signature=0f",
    "api_key=k",
    "apiKey=k",
    "reset-token=x",
    "email=ivan%40example.org",
    "e=ivan%40example.org",
    "phone=79161234567",
    "who=%2B7%20916%20123-45-67",
    "x=eyJhbGciOiJIUzI1NiJ9.e30.x",
    "h=0123456789abcdef0123456789abcdef",
    "r=aB3dE5fG7hI9jK1lM3nO5pQ7r",
    "state=xyz",
    "utm_source=ivan%40example.org",
]
HARMLESS = [
    "page=2",
    "q=%D0%BE%D0%BA%D0%BD%D0%B0",
    "order=1187",
    "color=red",
    "keyboard=ru",
    "utm_source=yandex",
    "utm_content=0123456789abcdef0123456789abcdef",
    "gclid=Cj0KCQjw1234567890abcdefghijklmnop",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_parameter_is_left_out(secret: str) -> None:
    assert clean_address(f"https://shop.example/a?x=1&{secret}&y=2") == "https://shop.example/a?x=1&y=2"


@pytest.mark.parametrize("plain", HARMLESS)
def test_what_opens_nothing_stays(plain: str) -> None:
    assert clean_address(f"https://shop.example/a?{plain}") == f"https://shop.example/a?{plain}"


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("https://ivan:secret@shop.example:8443/a", "https://shop.example:8443/a"),
        ("https://shop.example/a#access_token=1", "https://shop.example/a"),
        ("https://shop.example/reset/eyJhbGciOiJIUzI1NiJ9.e30/x", "https://shop.example/reset/…/x"),
        ("https://shop.example/u/ivan@example.org", "https://shop.example/u/…"),
        ("https://shop.example/cart;jsessionid=A1/2", "https://shop.example/cart/2"),
        (
            "https://shop.example/red-shoes-2024-best-price-ever-12",
            "https://shop.example/red-shoes-2024-best-price-ever-12",
        ),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
        ("javascript:alert(1)", ""),
        ("//shop.example/a", ""),
        ("https://shop.example:99999/", ""),
        ("https://shop.example/\x1b[31m", ""),
        ("", ""),
    ],
)
def test_every_part_of_an_address(address: str, clean: str) -> None:
    assert clean_address(address) == clean


@given(st.text(max_size=300), st.text(max_size=60))
def test_whatever_it_is_nothing_is_raised_and_no_password_stays(text: str, value: str) -> None:
    clean_address(text)
    clean_address(f"https://a.example/?{text}")
    assert "password" not in clean_address(f"https://a.example/?password={value}")


def test_the_advertisement_is_read_from_an_address() -> None:
    address = (
        "https://shop.example/?utm_source=yandex&utm_medium=cpc&utm_campaign=%D0%BB%D0%B5%D1%82%D0%BE&x=1"
    )
    assert campaign(address) == {"source": "yandex", "medium": "cpc", "campaign": "лето"}
    assert campaign("https://[") == {}


def test_the_site_chat_tells_of_both_visits_and_keeps_no_secret() -> None:
    page = {
        "url": "https://shop.example/cart?token=s3cret",
        "title": "Cart",
        "referrer": "https://ya.example/?text=shoes",
        "first": {
            "url": "https://shop.example/?utm_source=ya&utm_medium=cpc",
            "title": "Shoes",
            "referrer": "https://ya.example/",
            "at": 1_790_000_000_000,
        },
    }
    assert page_detail(page) == {
        "page": "https://shop.example/cart",
        "title": "Cart",
        "referrer": "https://ya.example/?text=shoes",
        "first_page": "https://shop.example/?utm_source=ya&utm_medium=cpc",
        "first_title": "Shoes",
        "first_referrer": "https://ya.example/",
        "first_at": "1790000000000",
        "utm_source": "ya",
        "utm_medium": "cpc",
    }
    assert b"s3cret" not in kept({"text": "x", "page": page}, b"raw s3cret")
    assert kept({"text": "x"}, b"raw") == b"raw"


@pytest.mark.parametrize("given_page", [None, 5, [], {"url": 7, "first": "x"}, {"first": {"at": True}}])
def test_a_page_that_is_none_tells_nothing(given_page: object) -> None:
    assert page_detail(given_page) == {}
