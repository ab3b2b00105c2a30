"""The benchmark of the console finds every figure that it promises; how good they are is not asked here."""

from __future__ import annotations

from pathlib import Path

from benchmarks.console import Plan, measure
from benchmarks.desk_world import DeskSize
from benchmarks.terminal import Grid

FIGURES = {
    "start_s", "floor_start_s", "start_ratio", "rss_mb", "key_p50_ms", "key_p95_ms", "floor_key_p95_ms",
    "key_ratio", "switch_p95_ms", "open_long_ms", "storm_key_p95_ms", "bytes_per_key", "growth",
}  # fmt: skip
TINY = Plan(
    large=DeskSize("large", conversations=80, built=40, long=6, history=20),
    small=DeskSize("small", conversations=40, built=40, long=6, history=20),
    starts=1,
    blocks=1,
    keys=3,
    pages=1,
    rounds=1,
    storm_s=0.5,
)


def test_every_figure_comes_out(tmp_path: Path) -> None:
    said: list[str] = []
    figures = measure(tmp_path, said.append, TINY)
    assert set(figures) == FIGURES
    assert all(value > 0 for value in figures.values()), figures
    assert any("in the storm" in line for line in said)


def test_the_grid_holds_what_a_terminal_would_show() -> None:
    grid = Grid(10, 3)
    grid.feed("\x1b[2J\x1b[1;1H\x1b[1;31mone\x1b[0m\r\ntwo\x1b[3;9H日\x1b[2;")
    grid.feed("3H!\x1b]2;title\x07\x1b[?2026$p")
    assert [grid.row(y) for y in range(3)] == ["one       ", "tw!       ", "        日"]
    assert grid.questions == ["?2026$p"]
    grid.feed("\x1b[1;2H\x1b[K")
    assert grid.row(0) == "o         "
