"""Mails as the named clients write them (tests/corpus/mail), and what is to be read in each.

The mails were written after the real ones: headers, boundaries, encodings and HTML skeletons are those of
the client, people and texts are made up. `expectations.json` says for each: what of the text is new, which
folds it has in order, the attachments' names, and where it matters subject, sender, automatic, bounce.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from channels.email.mail import Mail, read_mail
from channels.folds import sound, unfolded

FOLDER = Path(__file__).parents[1] / "corpus" / "mail"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expectations.json").read_text(encoding="utf-8"))


def read(name: str) -> Mail:
    return read_mail((FOLDER / f"{name}.eml").read_bytes())


def test_every_mail_has_an_expectation() -> None:
    assert {path.stem for path in FOLDER.glob("*.eml")} == set(EXPECTED)
    clients = {entry["client"].split(",")[0].split(" for ")[0] for entry in EXPECTED.values()}
    assert len(EXPECTED) >= 60
    assert len(clients) >= 25


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_read(name: str) -> None:
    mail, wanted = read(name), EXPECTED[name]
    text = mail.content.text
    assert unfolded(text, mail.folds) == wanted["new_text"]
    assert [fold.kind for fold in mail.folds] == wanted["folds"]
    assert sound(mail.folds, text) == mail.folds
    assert [one.name for one in mail.content.attachments] == wanted["attachments"]
    assert (mail.verdict.kind if mail.verdict else None) == wanted.get("automatic")
    for words in wanted.get("keeps", []):
        assert words in unfolded(text, mail.folds)
    if wanted["subject"]:
        assert mail.subject == wanted["subject"]
    if wanted["from"]:
        assert mail.author is not None
        assert {"name": mail.author.name, "address": mail.author.address} == wanted["from"]
    bounce = mail.bounces[0] if mail.bounces else None
    assert (bounce is None) == ("bounce" not in wanted)
    for field, value in wanted.get("bounce", {}).items():
        assert getattr(bounce, field) == value


def test_what_is_quoted_is_still_there() -> None:
    mail = read("gmail-web-reply-ru")
    (fold,) = mail.folds
    assert "> Ваш заказ №1042 собран и передан в доставку." in mail.content.text[fold.start : fold.end]
