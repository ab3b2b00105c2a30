"""How panes share the screen: a tree of splits, as tmux has it. Plain Python; the widgets only follow it.

A leaf is a pane, known by a number. A split has two or more parts, side by side or one below the other,
each with its share of the length; between two parts stands a border of one cell. Two splits of the same
direction never stand in each other. Nothing here changes in place: every deed makes another tree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

PANES_MAX = 6
BORDER = 1  # cells between two parts
Direction = Literal["left", "right", "up", "down"]


class Leaf(msgspec.Struct, frozen=True, tag="pane"):
    key: int


class Split(msgspec.Struct, frozen=True, tag="split"):
    """`down`: the parts stand below each other. `shares` are compared with each other only."""

    down: bool
    parts: tuple[Node, ...]
    shares: tuple[float, ...]


Node: TypeAlias = Leaf | Split


class Area(NamedTuple):
    x: int
    y: int
    width: int
    height: int


class Least(NamedTuple):
    """Cells and lines below which a pane is no use."""

    width: int
    height: int


class Border(NamedTuple):
    """The line behind part `behind` of the split at `path` (the indices that lead to it from the root)."""

    path: tuple[int, ...]
    behind: int
    down: bool  # between parts that stand below each other: the line itself lies
    area: Area


class Tiling(msgspec.Struct, frozen=True):
    """Where everything stands. Panes that are not in `places` found no room."""

    places: dict[int, Area] = {}
    borders: list[Border] = []

    def border_at(self, x: int, y: int) -> Border | None:
        for border in self.borders:
            area = border.area
            if area.x <= x < area.x + area.width and area.y <= y < area.y + area.height:
                return border
        return None

    def toward(self, key: int, direction: Direction) -> int | None:
        """The pane next to this one in a direction: the one with which it shares most of its edge."""
        here = self.places.get(key)
        if here is None:
            return None
        best: tuple[int, int] | None = None
        found = None
        for other, area in self.places.items():
            gap, shared = _beside(here, area, direction)
            if other == key or gap < 0 or shared <= 0:
                continue
            if best is None or (gap, -shared) < best:
                best, found = (gap, -shared), other
        return found


def _beside(here: Area, there: Area, direction: Direction) -> tuple[int, int]:
    """How far `there` is away in that direction (below 0: not at all), and how much edge they share."""
    if direction in ("left", "right"):
        shared = min(here.y + here.height, there.y + there.height) - max(here.y, there.y)
        gap = there.x - here.x - here.width if direction == "right" else here.x - there.x - there.width
    else:
        shared = min(here.x + here.width, there.x + there.width) - max(here.x, there.x)
        gap = there.y - here.y - here.height if direction == "down" else here.y - there.y - there.height
    return gap, shared


# --- what is there ------------------------------------------------------------------------------------


def leaves(node: Node) -> Iterator[int]:
    """The panes as one reads: from left to right, from above to below."""
    if isinstance(node, Leaf):
        yield node.key
    else:
        for part in node.parts:
            yield from leaves(part)


def needed(node: Node, least: Least) -> Least:
    """The room without which somebody would get less than he needs."""
    if isinstance(node, Leaf):
        return least
    rooms = [needed(part, least) for part in node.parts]
    borders = BORDER * (len(rooms) - 1)
    if node.down:
        return Least(max(room.width for room in rooms), sum(room.height for room in rooms) + borders)
    return Least(sum(room.width for room in rooms) + borders, max(room.height for room in rooms))


def fits(node: Node, width: int, height: int, least: Least) -> bool:
    room = needed(node, least)
    return room.width <= width and room.height <= height


def keeping(node: Node, keys: Collection[int]) -> Node | None:
    """The tree with these panes only; None when none of them is in it."""
    if isinstance(node, Leaf):
        return node if node.key in keys else None
    kept = [
        (part, share)
        for whole, share in zip(node.parts, node.shares, strict=True)
        if (part := keeping(whole, keys)) is not None
    ]
    if not kept:
        return None
    return _joined(node.down, [part for part, _share in kept], [share for _part, share in kept])


def _joined(down: bool, parts: list[Node], shares: list[float]) -> Node:
    """A split of these parts; parts that are split the same way come up into it."""
    if len(parts) == 1:
        return parts[0]
    out: list[Node] = []
    weights: list[float] = []
    for part, share in zip(parts, shares, strict=True):
        if isinstance(part, Split) and part.down == down:
            whole = sum(part.shares)
            out.extend(part.parts)
            weights.extend(share * inner / whole for inner in part.shares)
        else:
            out.append(part)
            weights.append(share)
    return Split(down, tuple(out), tuple(weights))


def renamed(node: Node, names: Mapping[int, int]) -> Node:
    """The same tree with other numbers for its panes."""
    if isinstance(node, Leaf):
        return Leaf(names[node.key])
    return Split(node.down, tuple(renamed(part, names) for part in node.parts), node.shares)


# --- splitting, closing, sizing -------------------------------------------------------------------------


def split(node: Node, key: int, fresh: int, *, down: bool) -> Node:
    """A new pane to the right of (or below) `key`. Among equals it becomes one more equal; else `key`
    gives it half of what it has."""
    if isinstance(node, Leaf):
        return Split(down, (node, Leaf(fresh)), (1.0, 1.0)) if node.key == key else node
    if node.down == down and Leaf(key) in node.parts:
        at = node.parts.index(Leaf(key))
        even = len(set(node.shares)) == 1
        share = node.shares[at] if even else node.shares[at] / 2
        parts = (*node.parts[: at + 1], Leaf(fresh), *node.parts[at + 1 :])
        return Split(down, parts, (*node.shares[:at], share, share, *node.shares[at + 1 :]))
    return Split(node.down, tuple(split(part, key, fresh, down=down) for part in node.parts), node.shares)


def without(node: Node, key: int) -> Node | None:
    """The pane is closed; its room goes to those it was split from. None: it was the last."""
    return keeping(node, set(leaves(node)) - {key})


def equal(node: Node) -> Node:
    """Every pane as large as the others, as far as rows and columns allow."""
    if isinstance(node, Leaf):
        return node
    parts = tuple(equal(part) for part in node.parts)
    return Split(node.down, parts, tuple(float(_slots(part, down=node.down)) for part in parts))


def _slots(node: Node, *, down: bool) -> int:
    """How many panes stand side by side (or below each other) in it."""
    if isinstance(node, Leaf):
        return 1
    counts = [_slots(part, down=down) for part in node.parts]
    return sum(counts) if node.down == down else max(counts)


def grown(node: Node, key: int, area: Area, least: Least, *, columns: int, lines: int) -> Node:
    """The pane gets `columns` more from its neighbours, or `lines` where it is split downwards; below
    zero: it gives. The innermost split that can move does; when none can, the tree is as it was."""
    if isinstance(node, Leaf) or key not in set(leaves(node)):
        return node
    at = next(index for index, part in enumerate(node.parts) if key in set(leaves(part)))
    inner = grown(node.parts[at], key, _areas(node, area, least)[at], least, columns=columns, lines=lines)
    if inner != node.parts[at]:
        return Split(node.down, (*node.parts[:at], inner, *node.parts[at + 1 :]), node.shares)
    cells = lines if node.down else columns
    if at < len(node.parts) - 1:
        moved = _moved(node, at, cells, area, least)
        if moved != node:
            return moved
    return _moved(node, at - 1, -cells, area, least) if at > 0 else node


def dragged(node: Node, border: Border, cells: int, area: Area, least: Least) -> Node:
    """The border goes `cells` to the right (or down), as far as there is room."""
    if isinstance(node, Leaf):
        return node
    if not border.path:
        return _moved(node, border.behind, cells, area, least)
    at, *rest = border.path
    below = border._replace(path=tuple(rest))
    inner = dragged(node.parts[at], below, cells, _areas(node, area, least)[at], least)
    return Split(node.down, (*node.parts[:at], inner, *node.parts[at + 1 :]), node.shares)


def _moved(node: Split, index: int, cells: int, area: Area, least: Least) -> Node:
    """The border after part `index` moves. Who stands in the way gives what he can, the nearest first."""
    sizes, minima = _sizes(node, area, least), _minima(node, least)
    gainer = index if cells > 0 else index + 1
    givers = range(index + 1, len(sizes)) if cells > 0 else range(index, -1, -1)
    left = abs(cells)
    for giver in givers:
        given = min(left, max(0, sizes[giver] - minima[giver]))
        sizes[giver] -= given
        sizes[gainer] += given
        left -= given
    if left == abs(cells):
        return node
    return Split(node.down, node.parts, tuple(float(size) for size in sizes))


# --- placing --------------------------------------------------------------------------------------------


def place(node: Node, area: Area, least: Least, active: int) -> Tiling:
    """Where the panes stand that find room: the active one always, the others as one reads."""
    shown = {active}
    tree: Node = keeping(node, shown) or node
    for key in leaves(node):
        wider = keeping(node, shown | {key})
        if wider is not None and fits(wider, area.width, area.height, least):
            shown.add(key)
            tree = wider
    tiling = Tiling()
    _place(tree, area, least, (), tiling)
    return tiling


def _place(node: Node, area: Area, least: Least, path: tuple[int, ...], tiling: Tiling) -> None:
    if isinstance(node, Leaf):
        tiling.places[node.key] = area
        return
    areas = _areas(node, area, least)
    for index, (part, place_) in enumerate(zip(node.parts, areas, strict=True)):
        _place(part, place_, least, (*path, index), tiling)
        if index < len(areas) - 1:
            line = (
                Area(area.x, place_.y + place_.height, area.width, BORDER)
                if node.down
                else Area(place_.x + place_.width, area.y, BORDER, area.height)
            )
            tiling.borders.append(Border(path, index, node.down, line))


def _areas(node: Split, area: Area, least: Least) -> list[Area]:
    out, at = [], area.y if node.down else area.x
    for size in _sizes(node, area, least):
        out.append(Area(area.x, at, area.width, size) if node.down else Area(at, area.y, size, area.height))
        at += size + BORDER
    return out


def _minima(node: Split, least: Least) -> list[int]:
    rooms = [needed(part, least) for part in node.parts]
    return [room.height if node.down else room.width for room in rooms]


def _sizes(node: Split, area: Area, least: Least) -> list[int]:
    length = (area.height if node.down else area.width) - BORDER * (len(node.parts) - 1)
    return divided(length, node.shares, _minima(node, least))


def divided(length: int, shares: Collection[float], minima: Collection[int]) -> list[int]:
    """`length` in whole cells by `shares`, exactly; nobody below his minimum where all of them fit."""
    shares, minima = list(shares), list(minima)
    pinned: dict[int, int] = {}
    while True:
        free = [index for index in range(len(shares)) if index not in pinned]
        room = length - sum(pinned.values())
        whole = sum(shares[index] for index in free)
        short = {index: minima[index] for index in free if room * shares[index] / whole < minima[index]}
        if not short or len(short) == len(free):
            break
        pinned |= short
    sizes, ideal, dealt = [0] * len(shares), 0.0, 0
    for index in free:
        ideal += room * shares[index] / whole
        # Whole cells up to here, so that rounding never adds up; the last takes what is left.
        edge = room if index == free[-1] else round(ideal)
        sizes[index], dealt = edge - dealt, edge
    for index, size in pinned.items():
        sizes[index] = size
    return sizes
