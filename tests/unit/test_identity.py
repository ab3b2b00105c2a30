"""Who is this person: proofs link, phones never join two cards, and no address is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.base import Contact
from server.identity import Identity, Proof, Side, decide, strength


def contact(scheme: str, name: str) -> Contact:
    return Contact(scheme=scheme, external_id=name, verified=True, evidence="signed")


def proof(scheme: str, owner: int | None, name: str = "") -> Proof:
    found = strength(scheme, False, Side(), Side())
    return Proof(contact(scheme, name or f"{scheme}-{owner}"), owner, found)


def cards(identity: Identity) -> tuple[int | None, list[tuple[int, int]]]:
    return identity.customer, [(merge.source, merge.target) for merge in identity.merges]


def test_nobody_yet() -> None:
    new = proof("email", None)
    assert decide(None, [new]) == Identity(customer=None, attach=(new.contact,))
    assert decide(None, []) == Identity(customer=None)


def test_a_proof_links_to_its_card() -> None:
    assert cards(decide(None, [proof("email", 5)])) == (5, [])
    assert cards(decide(None, [proof("phone", 5)])) == (5, [])
    assert cards(decide(5, [proof("email", 5)])) == (5, [])


def test_the_oldest_card_survives() -> None:
    assert cards(decide(9, [proof("email", 5)])) == (5, [(9, 5)])
    assert cards(decide(5, [proof("email", 9)])) == (5, [(9, 5)])
    assert cards(decide(7, [proof("email", 9), proof("platform", 3)])) == (3, [(7, 3), (9, 3)])
    [merge] = decide(9, [proof("email", 5)]).merges
    assert merge.evidence == "email signed"


def test_a_phone_never_joins_two_cards() -> None:
    assert cards(decide(9, [proof("phone", 5)])) == (9, [])
    # In whatever order the channel lists what it knows.
    assert cards(decide(None, [proof("phone", 5), proof("email", 9)])) == (9, [])
    assert cards(decide(None, [proof("email", 9), proof("phone", 5)])) == (9, [])
    assert decide(None, [proof("phone", 5), proof("phone", 9)]).merges == ()


def test_a_shared_phone_is_kept_as_a_claim() -> None:
    shared = proof("phone", 5)
    assert decide(9, [shared]).claim == (shared.contact,)
    assert decide(None, [shared]).claim == ()


def test_two_full_names_on_one_mailbox_are_two_people() -> None:
    mother, son = Side(name="Анна Петренко"), Side(name="Пётр Петренко")
    assert strength("email", False, mother, son) == "hints"
    assert strength("phone", False, mother, son) == "hints"
    for same in ("Анна Петренко", "Петренко Анна", "Anna Petrenko", "Анна П.", "Анна", "anna77", ""):
        assert strength("email", False, Side(name=same), mother) == "joins", same
    assert strength("email", False, Side(name="Петя"), mother) == "hints"
    # Of a phone less is believed: a name must not say something else.
    assert strength("phone", False, Side(name="Анна"), mother) == "adopts"
    assert strength("phone", False, Side(name="Аня"), mother) == "hints"
    assert strength("phone", False, Side(), mother) == "adopts"
    assert strength("phone", False, Side(signed=True), mother) == "hints"
    assert strength("phone", False, Side(name="Анна", signed=True), mother) == "adopts"
    # A site's account is one person's, whatever he calls himself.
    assert strength("webchat-user", False, mother, son) == "joins"


def test_two_accounts_of_one_site_are_two_people() -> None:
    one, other = Side(accounts=frozenset({"site:1"})), Side(accounts=frozenset({"site:2"}))
    assert strength("email", False, one, other) == "hints"
    assert strength("email", False, one, Side(accounts=frozenset({"site:2", "site:1"}))) == "joins"
    assert strength("email", False, one, Side(accounts=frozenset({"shop:2"}))) == "joins"
    assert decide(9, [Proof(contact("email", "family"), 5, "hints")]).merges == ()


def test_a_colleagues_word_joins_no_cards() -> None:
    assert strength("email", True, Side(), Side()) == "adopts"


proofs = st.lists(
    st.builds(
        proof,
        st.sampled_from(["email", "phone", "platform"]),
        st.none() | st.integers(1, 6),
        st.text("abc", min_size=1, max_size=3),
    ),
    max_size=6,
)


@given(own=st.none() | st.integers(1, 6), known=proofs)
def test_whatever_is_proven(own: int | None, known: list[Proof]) -> None:
    identity = decide(own, known)
    joined = {merge.source for merge in identity.merges} | {identity.customer}
    # Merges end in the chosen customer, which is nobody's source, and each card is joined once.
    assert all(merge.target == identity.customer for merge in identity.merges)
    assert identity.customer not in {merge.source for merge in identity.merges}
    assert len({merge.source for merge in identity.merges}) == len(identity.merges)
    assert all(merge.source > merge.target and merge.evidence for merge in identity.merges)
    if own is not None:
        assert own in joined
    # Cards are only joined by what belongs to one person.
    personal = {one.owner for one in known if one.contact.scheme != "phone"}
    if len(joined) > 1:
        assert joined <= personal | {own}
    # No proven address is lost: it is attached, or its card is this person's, or it stays as a claim.
    for one in known:
        if one.owner is None:
            assert one.contact in identity.attach
        else:
            assert one.owner in joined or (one.contact.scheme == "phone" and one.contact in identity.claim)


@given(own=st.none() | st.integers(1, 6), known=proofs, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_proofs_says_nothing(own: int | None, known: list[Proof], shuffled: object) -> None:
    owners = {one.owner for one in known if one.contact.scheme == "phone"}
    if len(owners) > 1:
        return  # two people's phones: whichever comes first is as good as the other
    other = list(known)
    shuffled.shuffle(other)  # type: ignore[attr-defined]
    assert cards(decide(own, known)) == cards(decide(own, other))
