"""The ways to answer: only his own, verified and open ones, and first the one he chose himself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.base import Capabilities
from server.cases.ways import ChannelOffer, ways
from server.signing import signed
from server.store.customers import Reachable
from server.store.spoken import LastInbound

OFFERS = {
    offer.id: offer
    for offer in (
        ChannelOffer(
            id="mail",
            title="e-mail",
            mark="@",
            scheme="email",
            account="",
            capabilities=Capabilities(start_by_us=True, subject=True, text_max=50),
        ),
        ChannelOffer(
            id="sales",
            title="sales",
            mark="@",
            scheme="email",
            account="",
            capabilities=Capabilities(start_by_us=True),
        ),
        ChannelOffer(
            id="site", title="site chat", mark="w", scheme="chat", account="site", capabilities=Capabilities()
        ),
    )
}


def address(
    number: int,
    scheme: str = "email",
    account: str = "",
    *threads: tuple[str, str],
    verified: bool = True,
    blocked: bool = False,
) -> Reachable:
    return Reachable(number, scheme, account, f"id-{number}", "Ivan", verified, blocked, threads)


def found(addresses: list[Reachable], channel: str = "", last: int | None = None) -> list[tuple[str, int]]:
    return [
        (way.shown.channel_id, way.shown.address_id)
        for way in ways(addresses, OFFERS, LastInbound(channel, last))
    ]


def test_where_he_wrote_last_comes_first() -> None:
    both = [address(1, "email", "", ("mail", "id-1")), address(2, "chat", "site", ("site", "visitor"))]
    assert found(both, "site", 2) == [("site", 2), ("mail", 1), ("sales", 1)]
    assert found(both, "mail", 1) == [("mail", 1), ("site", 2), ("sales", 1)]
    first, *_ = ways(both, OFFERS, LastInbound("site", 2, "visitor"))
    assert (first.shown.why, first.shown.label, first.thread) == ("wrote last here", "site chat", "visitor")


def test_then_the_channel_that_he_prefers() -> None:
    both = [address(1, "email", "", ("mail", "id-1")), address(2, "chat", "site", ("site", "visitor"))]

    def shown(last: LastInbound, preferred: str) -> list[tuple[str, str]]:
        found = ways(both, OFFERS, last, preferred=preferred)
        return [(way.shown.channel_id, way.shown.why) for way in found]

    last, before, prefers = "wrote last here", "wrote here before", "prefers this channel"
    by_chat = LastInbound("site", 2, "visitor")
    assert shown(by_chat, "sales") == [("site", last), ("sales", prefers), ("mail", before)]
    assert shown(by_chat, "site")[0] == ("site", last)
    assert shown(LastInbound(), "site")[:2] == [("site", prefers), ("mail", before)]
    assert shown(LastInbound(), "gone")[0] == ("mail", before)


def test_where_we_may_not_write_first_he_must_have_written() -> None:
    assert found([address(2, "chat", "site")]) == []
    assert found([address(2, "chat", "site", ("site", "v"))]) == [("site", 2)]
    [way, _] = ways([address(1)], OFFERS, LastInbound())
    assert (way.shown.why, way.thread, way.external_id) == ("verified address", "id-1", "id-1")
    assert (way.shown.subject, way.shown.text_max) == (True, 50)


def test_another_accounts_address_is_no_way() -> None:
    assert found([address(2, "chat", "other-site", ("site", "v"))]) == []


@given(
    flags=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=5),
    last=st.integers(0, 5),
    channel=st.sampled_from(["mail", "sales", "site", "gone", ""]),
)
def test_claimed_and_blocked_addresses_are_never_a_way(
    flags: list[tuple[bool, bool]], last: int, channel: str
) -> None:
    addresses = [
        address(number, "email", "", ("mail", f"id-{number}"), verified=verified, blocked=blocked)
        for number, (verified, blocked) in enumerate(flags)
    ]
    shown = found(addresses, channel, last)
    open_ones = {number for number, (verified, blocked) in enumerate(flags) if verified and not blocked}
    assert {number for _, number in shown} == open_ones
    assert len(set(shown)) == len(shown)
    if last in open_ones and channel in ("mail", "sales"):
        assert shown[0] == (channel, last)


def test_of_several_threads_the_one_he_wrote_in_is_answered() -> None:
    several = [address(2, "chat", "site", ("site", "older"), ("site", "newer"))]
    [way] = ways(several, OFFERS, LastInbound("site", 2, "older"))
    assert way.thread == "older"
    [way] = ways(several, OFFERS, LastInbound())
    assert way.thread == "newer"
    # Somebody else wrote in the thread after him: he can be answered all the same.
    [way] = ways([address(2, "chat", "site")], OFFERS, LastInbound("site", 2, "shared"))
    assert way.thread == "shared"


def test_a_signature_takes_its_room() -> None:
    short = Capabilities(text_max=50, text_unit="utf16")
    offer = ChannelOffer(
        id="a", title="a", mark="a", scheme="a", account="", capabilities=short, signature="Shop 🙂"
    )
    assert offer.text_max == 50 - 2 - 7
    assert signed("Hello\n", "Shop") == "Hello\n\nShop"
    assert signed("Hello\n", "") == "Hello\n"
