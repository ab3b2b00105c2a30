"""Buckets, places, and who is behind a proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.public.limits import Buckets, Places, retry_after
from server.public.proxies import Proxies, group, parse_address


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_allows_the_burst_then_the_rate() -> None:
    clock = Hand()
    buckets = Buckets(rate=2, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0
    clock.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0


def test_waiting_as_told_suffices() -> None:
    clock = Hand()
    buckets = Buckets(rate=3, burst=1, clock=clock)
    assert buckets.take("a") == 0
    clock.now += buckets.take("a") + 1e-9
    assert buckets.take("a") == 0


def test_refused_requests_do_not_prolong_the_wait() -> None:
    clock = Hand()
    buckets = Buckets(rate=1, burst=1, clock=clock)
    buckets.take("a")
    first = buckets.take("a")
    assert [buckets.take("a") for _ in range(100)] == [first] * 100


def test_a_bucket_never_holds_more_than_the_burst() -> None:
    clock = Hand()
    buckets = Buckets(rate=1, burst=2, clock=clock)
    buckets.take("a")
    clock.now += 3600
    assert [buckets.take("a") == 0 for _ in range(3)] == [True, True, False]


def test_memory_is_bounded_and_forgets_the_longest_unused() -> None:
    clock = Hand()
    buckets = Buckets(rate=1, burst=1, clock=clock, capacity=3)
    for key in ("a", "b", "a", "c", "d"):
        buckets.take(key)
    assert len(buckets) == 3
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_no_pattern_of_requests_gets_more_than_burst_and_rate(
    waits: list[float], rate: int, burst: int
) -> None:
    clock = Hand()
    start = clock.now
    buckets = Buckets(rate=rate, burst=burst, clock=clock)
    passed = 0
    for wait in waits:
        clock.now += wait
        passed += buckets.take("a") == 0
        assert passed <= burst + (clock.now - start) * rate + 1e-6


def test_places_are_held_per_key_and_in_total() -> None:
    places = Places(each=2, total=3)
    assert [places.enter("a"), places.enter("a"), places.enter("a")] == [True, True, False]
    assert places.enter("a", exempt=True)
    assert not places.enter("b")
    places.leave("a")
    assert places.enter("b")
    assert (places.held("a"), places.held("b"), places.total) == (2, 1, 3)


def test_places_forget_who_left() -> None:
    places = Places(each=1, total=10)
    for number in range(100):
        places.enter(str(number % 10))
        places.leave(str(number % 10))
    assert (places.total, places.held("3")) == (0, 0)


@pytest.mark.parametrize(("seconds", "header"), [(0.001, "1"), (1.0, "1"), (1.2, "2")])
def test_retry_after_is_whole_seconds(seconds: float, header: str) -> None:
    assert retry_after(seconds) == header


PROXIES = Proxies(["10.0.0.0/8", "::1/128", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # a stranger's claim
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # the left one is the visitor's invention
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.2.3.4"], "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::1", ['"[2001:db8::7]"'], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, "], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.9.9.9, 10.8.8.8"], "10.9.9.9"),  # a visitor from inside
        ("", ["198.51.100.1"], ""),
    ],
)
def test_visitor(peer: str, forwarded: list[str], visitor: str) -> None:
    assert PROXIES.visitor(peer, forwarded) == visitor


@given(st.lists(st.text(max_size=40), max_size=4))
def test_no_claim_of_a_stranger_changes_who_he_is(forwarded: list[str]) -> None:
    assert PROXIES.visitor("203.0.113.9", forwarded) == "203.0.113.9"


@given(st.text(max_size=60))
def test_what_is_left_of_the_visitor_changes_nothing(invention: str) -> None:
    assert PROXIES.visitor("10.0.0.1", [f"{invention}, 198.51.100.1"]) == "198.51.100.1"


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_groups(address: str, counted_as: str) -> None:
    assert group(address) == counted_as


@given(st.text(max_size=60))
def test_parsing_an_address_is_total(text: str) -> None:
    parse_address(text)
