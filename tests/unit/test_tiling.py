"""The tree of splits: whatever is done to it, the panes cover the screen exactly."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from omni_console import tiling
from omni_console.tiling import Area, Leaf, Least, Node, Split, Tiling

LEAST = Least(36, 8)
deeds = st.lists(
    st.tuples(
        st.sampled_from(["right", "down", "close", "grow", "shrink", "equal", "drag", "size"]),
        st.integers(0, 99),
        st.integers(-30, 30),
    ),
    max_size=25,
)


def covered(found: Tiling, area: Area) -> None:
    """Panes and borders tile the area: every cell belongs to exactly one of them (borders may cross)."""
    cells: set[tuple[int, int]] = set()
    count = 0
    for place in found.places.values():
        for y in range(place.y, place.y + place.height):
            cells.update((x, y) for x in range(place.x, place.x + place.width))
        count += place.width * place.height
    assert len(cells) == count, "panes lie over each other"
    lines = {
        (x, y)
        for border in found.borders
        for y in range(border.area.y, border.area.y + border.area.height)
        for x in range(border.area.x, border.area.x + border.area.width)
    }
    assert not cells & lines, "a border runs through a pane"
    assert len(cells | lines) == area.width * area.height, "a hole, or something stands over the edge"


def no_twins(node: Node) -> None:
    if isinstance(node, Split):
        assert len(node.parts) == len(node.shares) >= 2
        for part in node.parts:
            assert not (isinstance(part, Split) and part.down == node.down)
            no_twins(part)


@settings(deadline=None, max_examples=200)
@given(deeds, st.integers(36, 220), st.integers(8, 70))
def test_whatever_is_done_the_tiling_is_exact(
    todo: list[tuple[str, int, int]], width: int, height: int
) -> None:
    tree: Node = Leaf(0)
    fresh, active = 1, 0
    area = Area(0, 0, width, height)
    for deed, number, cells in todo:
        keys = list(tiling.leaves(tree))
        active = keys[number % len(keys)]
        if deed in ("right", "down") and len(keys) < 6:
            tree = tiling.split(tree, active, fresh, down=deed == "down")
            fresh += 1
        elif deed == "close":
            left = tiling.without(tree, active)
            if left is not None:
                tree = left
                active = next(tiling.leaves(tree))
        elif deed in ("grow", "shrink"):
            if tiling.fits(tree, area.width, area.height, LEAST):
                sign = 1 if deed == "grow" else -1
                tree = tiling.grown(tree, active, area, LEAST, columns=4 * sign, lines=2 * sign)
        elif deed == "equal":
            tree = tiling.equal(tree)
        elif deed == "drag":
            found = tiling.place(tree, area, LEAST, active)
            if found.borders and len(found.places) == len(keys):
                border = found.borders[number % len(found.borders)]
                tree = tiling.dragged(tree, border, cells, area, LEAST)
        elif deed == "size":
            area = Area(0, 0, max(36, width + 3 * cells), max(8, height + cells))
        no_twins(tree)
        assert sorted(set(tiling.leaves(tree))) == sorted(tiling.leaves(tree))
        found = tiling.place(tree, area, LEAST, active)
        assert active in found.places
        covered(found, area)
        for place in found.places.values():
            assert place.width >= LEAST.width and place.height >= LEAST.height
        if tiling.fits(tree, area.width, area.height, LEAST):
            assert set(found.places) == set(tiling.leaves(tree)), "hidden although there is room"
    again = msgspec.json.decode(msgspec.json.encode(tree), type=Node)
    assert again == tree


def three() -> Node:
    """0 at the left, 1 over 2 at the right."""
    return tiling.split(tiling.split(Leaf(0), 0, 1, down=False), 1, 2, down=True)


def test_splitting_equals_makes_thirds_and_others_give_half() -> None:
    row = tiling.split(tiling.split(Leaf(0), 0, 1, down=False), 1, 2, down=False)
    found = tiling.place(row, Area(0, 0, 152, 40), LEAST, 0)
    assert [place.width for place in found.places.values()] == [50, 50, 50]
    wide = tiling.grown(row, 0, Area(0, 0, 152, 40), LEAST, columns=8, lines=0)
    assert [place.width for place in tiling.place(wide, Area(0, 0, 152, 40), LEAST, 0).places.values()] == [
        58,
        42,
        50,
    ]
    more = tiling.split(wide, 0, 3, down=False)
    found = tiling.place(more, Area(0, 0, 242, 40), Least(10, 5), 0)
    assert abs(found.places[0].width - found.places[3].width) <= 1
    assert found.places[1].width > found.places[0].width


def test_a_pane_at_its_least_gives_nothing() -> None:
    area = Area(0, 0, 73, 20)
    row = tiling.split(Leaf(0), 0, 1, down=False)
    assert tiling.grown(row, 0, area, LEAST, columns=4, lines=2) == row
    assert tiling.grown(row, 0, Area(0, 0, 75, 20), LEAST, columns=4, lines=2) != row


def test_a_pane_grows_where_it_was_split_last_then_further_out() -> None:
    area = Area(0, 0, 101, 17)
    tall = tiling.place(tiling.grown(three(), 1, area, LEAST, columns=4, lines=2), area, LEAST, 0)
    assert tall.places[1].height == 8, "the lower one is at its least"
    assert tall.places[1].width == 54, "so it gets columns"


def test_small_terminals_hide_what_does_not_fit_and_never_the_active_one() -> None:
    small = Area(0, 0, 80, 12)
    assert set(tiling.place(three(), small, LEAST, 0).places) == {0, 1}
    assert set(tiling.place(three(), small, LEAST, 2).places) == {0, 2}
    assert set(tiling.place(three(), Area(0, 0, 40, 12), LEAST, 2).places) == {2}
    assert set(tiling.place(three(), Area(0, 0, 20, 4), LEAST, 2).places) == {2}
    assert set(tiling.place(three(), Area(0, 0, 80, 20), LEAST, 2).places) == {0, 1, 2}


def test_neighbours_share_an_edge() -> None:
    found = tiling.place(three(), Area(0, 0, 120, 40), LEAST, 0)
    assert found.toward(0, "right") == 1
    assert found.toward(1, "left") == 0
    assert found.toward(2, "left") == 0
    assert found.toward(1, "down") == 2
    assert found.toward(2, "up") == 1
    assert found.toward(0, "left") is None
    assert found.toward(0, "down") is None


def test_equal_counts_columns_within() -> None:
    tree = tiling.split(three(), 2, 3, down=False)  # 0 | 1 over (2 | 3)
    found = tiling.place(tiling.equal(tree), Area(0, 0, 152, 41), LEAST, 0)
    assert [found.places[key].width for key in (0, 2, 3)] == [50, 50, 50]
    assert found.places[1].height == found.places[2].height == 20


def test_closing_gives_the_room_to_those_beside_it() -> None:
    assert tiling.without(three(), 0) == Split(True, (Leaf(1), Leaf(2)), (1.0, 1.0))
    assert tiling.without(Leaf(0), 0) is None
    # What is then split the same way as what stands around it is one split.
    tree = tiling.split(three(), 2, 3, down=False)
    left = tiling.without(tree, 1)
    assert isinstance(left, Split)
    assert list(tiling.leaves(left)) == [0, 2, 3]
    assert len(left.parts) == 3


def test_borders_are_found_and_dragged() -> None:
    area = Area(0, 0, 121, 41)
    found = tiling.place(three(), area, LEAST, 0)
    upright = found.border_at(60, 5)
    lying = found.border_at(100, 20)
    assert upright is not None and not upright.down
    assert lying is not None and lying.down
    assert found.border_at(5, 5) is None
    wider = tiling.place(tiling.dragged(three(), upright, 10, area, LEAST), area, LEAST, 0)
    assert wider.places[0].width == 70
    lower = tiling.place(tiling.dragged(three(), lying, -100, area, LEAST), area, LEAST, 0)
    assert lower.places[1].height == LEAST.height
