"""The file of layouts: what is in it, who may read it, and what becomes of a broken one."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_console import layouts, tiling
from omni_console.layouts import Book, BrokenLayoutsError, Layout, LayoutFile
from omni_console.tiling import Leaf

THREE = tiling.split(tiling.split(Leaf(1), 1, 2, down=False), 2, 3, down=True)
LAYOUT = Layout(
    splits=THREE, conversations={1: 17, 2: 4, 3: 99}, active=3, zoomed=True, card="shown", view="all"
)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    file = LayoutFile(tmp_path / "deep" / "x.json")
    assert file.read() == Book()
    file.change(layouts.with_last(LAYOUT))
    file.change(layouts.with_named("evening", LAYOUT))
    assert LayoutFile(file.path).read() == Book(last=LAYOUT, named={"evening": LAYOUT})
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.change(layouts.without_named("evening"))
    assert file.read() == Book(last=LAYOUT)
    left = sorted(one.name for one in file.path.parent.iterdir())
    assert left == ["x.json", "x.json.lock"], "no half-written file is left"


def test_it_is_read_before_it_is_written(tmp_path: Path) -> None:
    """Two consoles of one operator: neither forgets what the other one kept."""
    one, other = LayoutFile(tmp_path / "x.json"), LayoutFile(tmp_path / "x.json")
    one.change(layouts.with_named("a", LAYOUT))
    other.change(layouts.with_named("b", Layout()))
    one.change(layouts.with_last(Layout()))
    assert set(one.read().named) == {"a", "b"}


def test_what_is_kept_at_one_time_is_kept_both(tmp_path: Path) -> None:
    """The console keeps what is on the screen by itself, while a name is given to it."""
    file, reading, go_on = LayoutFile(tmp_path / "x.json"), threading.Event(), threading.Event()

    def slowly(book: Book) -> Book:
        reading.set()
        assert go_on.wait(10)
        return layouts.with_last(LAYOUT)(book)

    by_itself = threading.Thread(target=file.change, args=(slowly,))
    by_name = threading.Thread(target=file.change, args=(layouts.with_named("evening", LAYOUT),))
    by_itself.start()
    assert reading.wait(10)
    by_name.start()
    by_name.join(0.2)  # it has no way past the other
    go_on.set()
    by_itself.join(10)
    by_name.join(10)
    assert file.read() == Book(last=LAYOUT, named={"evening": LAYOUT})


def test_too_many_names_lose_the_oldest(tmp_path: Path) -> None:
    file = LayoutFile(tmp_path / "x.json")
    for number in range(layouts.NAMED_MAX + 3):
        file.change(layouts.with_named(f"n{number}", Layout()))
    assert len(file.read().named) == layouts.NAMED_MAX
    assert "n0" not in file.read().named and "n52" in file.read().named


def nested(depth: int) -> str:
    head = '{"type":"split","down":true,"shares":[1],"parts":['
    return '{"last":{"splits":' + head * depth + '{"type":"pane","key":1}' + "]}" * depth + "}}"


def split(parts: list[int], shares: list[float]) -> str:
    inner = [{"type": "pane", "key": key} for key in parts]
    return json.dumps({"last": {"splits": {"type": "split", "down": True, "parts": inner, "shares": shares}}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"last": 3}',
        '{"named": {"x": {"splits": {"type": "nothing"}}}}',
        '{"last": {"list_width": -5}}',
        split([1], [1]),
        split([1, 1], [1, 1]),
        split([1, 2], [1]),
        split([1, 2], [1, 0]),
        split([1, 2], [1, 1e300]),
        split(list(range(7)), [1] * 7),
        nested(13),
        nested(15_000),
        "\ufeff\x00",
        " " * (layouts.FILE_MAX + 1),
    ],
)
def test_a_broken_file_is_put_aside(tmp_path: Path, text: str) -> None:
    file = LayoutFile(tmp_path / "x.json")
    file.path.write_text(text)
    with pytest.raises(BrokenLayoutsError, match=r"x\.broken"):
        file.read()
    assert (tmp_path / "x.broken").read_text() == text
    assert file.read() == Book()
    file.path.write_text(text)
    assert file.change(layouts.with_last(LAYOUT)).last == LAYOUT, "it goes on"


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = LayoutFile(tmp_path_factory.mktemp("l") / "x.json")
    file.path.write_bytes(data)
    try:
        file.read()
    except BrokenLayoutsError:
        assert not file.path.exists()


def test_another_server_has_other_numbers() -> None:
    names = {
        layouts.file_name(server, site, login)
        for server in ("/run/omni/s", "http://x")
        for site in ("a", "b")
        for login in ("olga", "boris")
    }
    assert len(names) == 8
    assert all(name.removesuffix(".json").isalnum() for name in names)
