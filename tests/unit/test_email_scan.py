"""The short way through a mail's structure gives what Python's parser gives, or leaves the mail to it.

With OMNI_PROOF=1 so many damaged mails that it takes minutes; the fuzzer compares the two ways as well.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from benchmarks.mailbox import mails
from channels.email.scan import MAX_DEPTH, MAX_PARTS, scan
from channels.email.structure import TooComplexError, parse_message
from tests.fuzz.mail_invariants import differs

CORPUS = Path(__file__).parents[1] / "corpus" / "mail"
MAILS = [*(path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))), *mails(40)]
EXAMPLES = 50_000 if os.environ.get("OMNI_PROOF") == "1" else 400

MORSELS = (
    *(b"\r\n", b"\n\n", b"\r", b"\r\r\n", b"\r\n ", b"\n--", b"--\r\n", b"--", b"-", b"\n"),
    *(b" ", b"\t", b":", b"=", b";", b'"', b"<", b">", b"\\", b"*", b"\x00", b"\x0b", b"\x85", b"\xff"),
    *(
        b"From x\r\n",
        b"X: y\r\n",
        b"boundary=",
        b"Content-Type: ",
        b"boundary*0=",
        b"Content-Type: a/b/c\r\n",
    ),
    b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nx\r\n--q--\r\n",
    b"Content-Type: multipart/digest; boundary=q\r\n\r\n--q\r\n\r\nx\r\n--q--\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"\r\n--q\r\n",
    b"\r\n--q--\r\n",
)


def container(body: str, content_type: str = "multipart/mixed; boundary=q") -> bytes:
    return f"Subject: a\nContent-Type: {content_type}\n\n{body}".encode()


USUAL = {
    "no container": b"Subject: a\r\nTo: b\r\n\tc\r\n\r\ntext",
    "no header": b"\ntext",
    "bare line feeds": container("--q\n\na\n--q\n\nb\n--q--\n"),
    "preamble and epilogue": container("before\n--q\n\na\n--q--\nafter\n--q\n"),
    "quoted boundary": container("--a b\n\na\n--a b--", 'multipart/mixed; x="1"; boundary="a b"; y=2;'),
    "folded type": container("--q\n\na\n--q--", 'multipart/alternative;\n\tboundary="q";\n charset=utf-8'),
    "blanks after a delimiter": container("--q \t\n\na\n--q-- \n"),
    "a longer boundary inside": container(
        "--q\nContent-Type: multipart/mixed; boundary=qq\n\n--qq\n\na\n--qq--\n--q\n\n--qq\n--q--\n"
    ),
    "delimiter as a text": container("--q\n\n--qx\n --q\n--q-\n--q --\n--q--\n"),
    "a mail inside": container("--q\nContent-Type: message/rfc822\n\nSubject: b\n\nc\n--q--\n"),
    "8-bit": "Subject: привет\n\nтекст".encode("cp1251"),
    "a carriage return in a text": container("--q\n\na\rb\n--q--\n"),
    "two types": b"Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=q\n\n--q\n\na\n--q--\n",
}
UNUSUAL = {
    "no blank line": b"Subject: a\nTo: b\n",
    "no field": b"Subject: a\nno field\n\ntext",
    "blank before the colon": b"Subject : a\n\ntext",
    "mbox line": b"From x\nSubject: a\n\ntext",
    "never closed": container("--q\n\na\n"),
    "never begun": container("a\n"),
    "closed only": container("--q--\n"),
    "delimiter twice": container("--q\n--q\n\na\n--q--\n"),
    "part without a blank line": container("--q\nSubject: b\n--q--\n"),
    "no boundary": container("--q\n\na\n--q--\n", "multipart/mixed"),
    "two boundaries": container("--q\n\na\n--q--\n", "multipart/mixed; boundary=x; boundary=q"),
    "a boundary in pieces": container("--q\n\na\n--q--\n", "multipart/mixed; boundary*0=q"),
    "boundary in brackets": container("--q\n\na\n--q--\n", 'multipart/mixed; boundary="<q>"'),
    "8-bit type": b"Content-Type: text/plain; name=\xff\n\ntext",
    "digest": container("--q\n\nSubject: b\n\nc\n--q--\n", "multipart/digest; boundary=q"),
    "delimiter after a carriage return": container("--q\n\na\r--q--\n--q--\n"),
    "delimiter before a carriage return": container("--q\n\na\n--q\rb\n--q--\n"),
    "carriage return in a header": b"Subject: a\rTo: b\n\ntext",
    "a mail inside that cannot be closed": b"Content-Type:\n \n message/rfc822\n\nSubject: b\n\nc",
    "a container in its own delimiters": container(
        "--q\nContent-Type: multipart/mixed; boundary=q\n\n--q\n\na\n--q--\n--q--\n"
    ),
    "many parts": container("--q\n\nx\n" * MAX_PARTS + "--q--\n"),
    "much that looks like a delimiter": container("--q\n\n" + "--qx\n" * 3_000 + "--q--\n"),
}


@pytest.mark.parametrize("name", USUAL)
def test_the_usual_is_scanned(name: str) -> None:
    assert scan(USUAL[name]) is not None
    assert not differs(USUAL[name])


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_unusual_is_left_to_the_library(name: str) -> None:
    assert scan(UNUSUAL[name]) is None


def test_deep_nesting_is_left_to_the_library() -> None:
    raw = b"x"
    for level in range(MAX_DEPTH + 2):
        mark = b"b%d" % level
        raw = b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n%s\n--%s--\n" % (mark, mark, raw, mark)
        raw = raw if level else raw.replace(b"\nx\n", b"\n\nx\n")
        assert not differs(raw)
        assert (scan(raw) is None) == (level + 1 > MAX_DEPTH)


def test_what_nobody_means_is_refused_as_ever() -> None:
    with pytest.raises(TooComplexError):
        parse_message(container("--q\n\nx\n" * 3_000))


def test_most_of_the_corpus_goes_the_short_way() -> None:
    assert not [raw for raw in MAILS if differs(raw)]
    assert sum(scan(raw) is not None for raw in MAILS) > 0.9 * len(MAILS)


@limits(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(MAILS), st.integers(0, 2**32), st.integers(1, 5))
def test_damaged_mails(raw: bytes, seed: int, damage: int) -> None:
    """Damaged where it tells: at delimiters, blank lines and types."""
    chance = random.Random(seed)
    mail = bytearray(raw[:20_000])
    boundaries = re.findall(rb"boundary=\"?([^\"\r\n;]+)", mail)
    morsels = [
        *MORSELS,
        *(b"\r\n--" + one for one in boundaries),
        *(b"\n--" + one + b"--" for one in boundaries),
    ]
    for _ in range(damage):
        places = [match.start() for match in re.finditer(rb"\n--|\n\r?\n|[Bb]oundary|[Tt]ype", mail)]
        near = chance.choice(places) + chance.randint(-3, 6) if places and chance.random() < 0.6 else None
        place = max(0, min(len(mail), chance.randrange(len(mail) + 1) if near is None else near))
        way = chance.random()
        if way < 0.45:
            mail[place:place] = chance.choice(morsels)
        elif way < 0.8:
            del mail[place : place + chance.randint(1, 8 if chance.random() < 0.7 else 400)]
        elif place < len(mail):
            mail[place] = chance.choice(b'\r\n -\t:;="') if chance.random() < 0.6 else chance.randrange(256)
    assert not differs(bytes(mail))
