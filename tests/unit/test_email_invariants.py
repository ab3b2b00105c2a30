"""Whatever comes as a mail is read, and nothing hostile leaves the reader.

Damaged mails of the corpus, any bytes, and everything that the fuzzer (tests/fuzz) ever found. With
OMNI_PROOF=1 so many that it takes minutes.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tests.fakes.mail_corpus import POISON
from tests.fuzz.mail_invariants import broken

CORPUS = Path(__file__).parents[1] / "corpus"
MAILS = sorted((CORPUS / "mail").glob("*.eml"))
FOUND = sorted((CORPUS / "mail_found").glob("[!.]*"))
EXAMPLES = 20_000 if os.environ.get("OMNI_PROOF") == "1" else 250

# What mails are made of: more telling than single bytes.
MORSELS = [
    b"\r\n",
    b"\n\n",
    b"--",
    b"=",
    b"=?utf-8?q?",
    b"?=",
    b"\xff\xfe",
    b"\x00",
    b"\x1b[2J",
    b"<",
    b">",
    b'"',
    b";",
    b"Content-Type: multipart/mixed; boundary=q\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: text/html\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n",
    b"filename*0*=utf-7''+2AA-; filename*1=/../x",
    b"charset=utf-7",
    b"+2AA-",
    b"\xed\xa0\x80",
    b"begin 644 ../x\n",
    b"-----Original Message-----\r\n",
    b"<blockquote>",
    b"<div id=divRplyFwdMsg>",
    "\ufdd0\ufdd1".encode(),
]


@pytest.mark.parametrize("path", [*MAILS, *FOUND], ids=lambda path: path.stem)
def test_mails_of_the_corpus(path: Path) -> None:
    assert broken(path.read_bytes()) == ""


@pytest.mark.parametrize("name", sorted(POISON))
def test_poison(name: str) -> None:
    assert broken(POISON[name]) == ""


@limits(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(MAILS), st.integers(0, 2**32), st.integers(1, 12))
def test_damaged_mails(path: Path, seed: int, damage: int) -> None:
    chance = random.Random(seed)
    raw = bytearray(path.read_bytes())
    for _ in range(damage):
        place = chance.randrange(len(raw) + 1)
        if chance.random() < 0.4:
            raw[place:place] = chance.choice(MORSELS)
        elif chance.random() < 0.5:
            del raw[place : place + chance.randrange(1, 60)]
        elif place < len(raw):
            raw[place] = chance.randrange(256)
    assert broken(bytes(raw)) == ""


@limits(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.sampled_from(MORSELS) | st.binary(max_size=40), max_size=30).map(b"".join))
def test_any_bytes(raw: bytes) -> None:
    assert broken(raw) == ""
