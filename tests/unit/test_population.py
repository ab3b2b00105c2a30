"""The data set of the large benchmark is what it says it is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.harness import make_operator
from benchmarks.population import Facts, Size, build
from benchmarks.questions import EACH, RARE, choose
from benchmarks.vocabulary import LEMMAS, SIZE, Vocabulary
from server.store import offline
from server.store.database import open_reader
from server.store.search import match_expression

SMALL = Size("small", 6_000, 600, 300)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Facts]:
    folder = tmp_path_factory.mktemp("population")
    (folder / "data").mkdir(mode=0o700)
    make_operator(folder)
    return folder / "data" / offline.DATABASE, build(folder / "data", SMALL, lambda text: None)


def test_it_holds_what_its_facts_say(filled: tuple[Path, Facts]) -> None:
    path, facts = filled
    reader = open_reader(path)

    def number(sql: str) -> int:
        found: int = reader.execute(sql).fetchone()[0]
        return found

    assert number("SELECT count(*) FROM message") == facts.messages == SMALL.messages
    assert number("SELECT count(*) FROM conversation") == facts.conversations == SMALL.conversations
    assert number("SELECT count(*) FROM customer") == facts.people == SMALL.people
    assert number("SELECT count(*) FROM outbox WHERE state != 'sent'") == 0
    assert 0 < number("SELECT count(*) FROM conversation WHERE state != 'closed'") < SMALL.conversations / 10
    kinds = {kind for (kind,) in reader.execute("SELECT DISTINCT kind FROM message")}
    assert kinds == {"in", "out", "note"}
    assert number("SELECT value FROM setting WHERE name = 'search.indexed'") == SMALL.messages
    reader.close()


def test_its_lemmas_are_counted_truly(filled: tuple[Path, Facts]) -> None:
    path, facts = filled
    reader = open_reader(path)
    texts = [set(text.split()) for (text,) in reader.execute("SELECT text FROM message")]
    reader.close()
    assert facts.lemmas == {
        lemma: sum(not words.isdisjoint(forms) for words in texts) for lemma, forms in LEMMAS.items()
    }
    assert sum(facts.lemmas.values()) > SMALL.messages / 40


def test_questions_have_the_hits_that_they_are_chosen_for(filled: tuple[Path, Facts]) -> None:
    path, _ = filled
    questions = choose(path)
    assert len(questions.rare) == len(questions.two) == EACH
    reader = open_reader(path)
    for word in questions.rare:
        [hits] = reader.execute(
            "SELECT count(*) FROM message_text WHERE message_text MATCH ?", (match_expression(word),)
        ).fetchone()
        assert RARE[0] <= hits <= RARE[1]
    reader.close()


def test_a_vocabulary_is_the_same_from_the_same_seed() -> None:
    one, other = (Vocabulary(random.Random(3)) for _ in range(2))
    assert list(one.words) == list(other.words)
    assert len(set(one.words)) == SIZE
    assert one.text(50) == other.text(50)
