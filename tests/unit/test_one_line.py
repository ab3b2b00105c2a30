"""What may be a name: words on one line, whoever reads the pattern."""

from __future__ import annotations

import re

import pytest

from server.protocol.base import ONE_LINE


@pytest.mark.parametrize("text", ["a", "late orders", "я", "a\u0085b", "x\u00a0y", "[@click=app.quit]"])
def test_words_on_one_line(text: str) -> None:
    assert re.search(ONE_LINE, text)


@pytest.mark.parametrize("text", ["", " a", "a ", "a\u0085", "\ufeffa", "a\x1c", "a\u00a0", "a\nb"])
def test_what_is_none(text: str) -> None:
    assert not re.search(ONE_LINE, text)
