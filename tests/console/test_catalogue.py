"""The Russian catalogue is complete, compiled, and fits the English it stands for."""

from __future__ import annotations

import string
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from omni_console.cleaning import clean

PACKAGE = Path(__file__).parents[2] / "omni_console"
FOLDER = PACKAGE / "locale" / "ru" / "LC_MESSAGES"
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "ngettext": (1, 2)}
# What speaks gettext; the commands of `omni` are not part of the console.
PARTS = ("screens", "widgets", "images")


def extracted() -> set[str | tuple[str, ...]]:
    found: set[str | tuple[str, ...]] = set()
    for name, _line, message, _comments, _context in extract_from_dir(
        PACKAGE, method_map=[("**.py", "python")], keywords=KEYWORDS
    ):
        part = Path(name).parts[0]
        if part in PARTS or (len(Path(name).parts) == 1 and part != "cli.py"):
            found.add(tuple(message) if isinstance(message, (tuple, list)) else message)
    return found


def catalogue() -> Catalog:
    with (FOLDER / "omni.po").open("rb") as file:
        return read_po(file, locale="ru")


def key(message: Message) -> str | tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (tuple, list)) else message.id


def fields(text: str | None) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text or "") if name}


def test_every_visible_string_is_translated_and_nothing_is_left_over() -> None:
    wanted = extracted()
    have = {key(message) for message in catalogue() if message.id}
    assert wanted - have == set(), "not in omni.po"
    assert have - wanted == set(), "no longer used"


def test_no_translation_is_empty_or_doubtful() -> None:
    for message in catalogue():
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        assert all(texts), message.id
        assert not message.fuzzy, message.id
        if isinstance(message.id, (tuple, list)):
            assert len(texts) == 3, f"Russian has three plural forms: {message.id}"


def test_placeholders_are_the_same() -> None:
    for message in catalogue():
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, (tuple, list)) else [message.id]
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        for text in texts:
            assert fields(text) == fields(ids[-1]), message.id


def test_no_translation_holds_what_acts_in_a_terminal() -> None:
    for message in catalogue():
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        for text in texts:
            assert clean(text or "") == text, message.id
            assert "[@" not in (text or ""), message.id


def test_the_compiled_catalogue_is_current() -> None:
    compiled = BytesIO()
    write_mo(compiled, catalogue())
    with (FOLDER / "omni.mo").open("rb") as file:
        committed = read_mo(file)
    compiled.seek(0)
    fresh = read_mo(compiled)
    assert {key(one): one.string for one in committed} == {key(one): one.string for one in fresh}, (
        "run: pybabel compile -D omni -d omni_console/locale"
    )


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 файл"), (2, "2 файла"), (5, "5 файлов"), (11, "11 файлов"), (21, "21 файл")]
)
def test_russian_counts(count: int, text: str) -> None:
    from omni_console import i18n

    i18n.use("ru")
    assert i18n.ngettext("[{n} file]", "[{n} files]", count).format(n=count) == f"[{text}]"
