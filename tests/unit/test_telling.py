from __future__ import annotations

import textwrap
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from omni_console import own, own_settings
from omni_console.happenings import Happening, happenings
from omni_console.own_settings import Quiet, Settings, Tell, read
from omni_console.telling import decide, is_quiet, title
from omni_console.terminal_signs import notification, takes_titles, title_sequence
from server.protocol import Conversation, Deadline, EventBody, Message

ME, COLLEAGUE = 1, 2
MONDAY_NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def row(**changes: Any) -> Conversation:
    given = {"id": 7, "seq": 1, "customer_id": 3, "customer": "Anna", "state": "open", **changes}
    return Conversation(**given)


def message(**changes: Any) -> Message:
    given = {
        "id": 9,
        "seq": 1,
        "conversation_id": 7,
        "customer_id": 3,
        "kind": "in",
        "at": 1,
        "text": "Hello",
    }
    return Message(**{**given, **changes})


def kinds(kind: str, body: EventBody, before: Conversation | None, now: Conversation | None) -> list[str]:
    return [one.kind for one in happenings(kind, body, before, now, ME)]


def test_what_an_event_is_to_this_operator() -> None:
    came = EventBody(message=message())
    assert kinds("message.received", came, None, row(assignee_id=ME)) == ["message"]
    assert kinds("message.received", came, None, row()) == ["queue"]
    assert kinds("message.received", came, None, row(assignee_id=COLLEAGUE)) == []
    assert kinds("message.received", came, None, row(spam=True)) == []
    assert kinds("message.received", came, None, None) == []
    assert kinds("message.received", came, None, row(priority="urgent")) == ["urgent"]
    failed = EventBody(message=message(kind="out", status="failed", author_id=ME))
    assert kinds("message.status", failed, None, row(assignee_id=COLLEAGUE)) == ["failed"]
    others = EventBody(message=message(kind="out", status="failed", author_id=COLLEAGUE))
    assert kinds("message.status", others, None, row()) == []
    given = EventBody(operator_id=COLLEAGUE)
    assert kinds("conversation.assigned", given, row(), row(assignee_id=ME)) == ["handover"]
    assert kinds("conversation.assigned", EventBody(operator_id=ME), row(), row(assignee_id=ME)) == []
    assert kinds("mention.added", EventBody(), row(assignee_id=COLLEAGUE), row(assignee_id=COLLEAGUE)) == [
        "mention"
    ]
    urgent = row(assignee_id=ME, priority="urgent")
    assert kinds("conversation.changed", given, row(), urgent) == ["urgent"]
    assert kinds("conversation.changed", given, urgent, urgent) == []
    for level, kind in (("risk", "risk"), ("late", "breach")):
        due = row(deadline=Deadline(kind="first", due_at=1, level=level))  # type: ignore[arg-type]
        assert kinds("conversation.deadline", EventBody(), row(), due) == [kind]
    assert kinds("conversation.seen", EventBody(), row(), row()) == []


def telling(
    *happened: Happening, settings: Tell | None = None, away: bool = True, at: set[int] | None = None
) -> Any:
    return decide(happened, at or set(), settings or Tell(), MONDAY_NOON, away=away)


def test_one_is_told_in_a_sentence_and_several_as_one() -> None:
    anna, boris = Happening("message", 7, "Anna", "secret"), Happening("queue", 8, "Boris")
    assert telling(anna).text == "Anna writes"
    assert telling(anna).ways == {"bell"}
    several = telling(boris, anna, anna, Happening("mention", 9, "Carl"))
    assert several.text == "a colleague calls you: Carl; Anna writes; new in the queue: Boris"
    assert (several.kind, several.count) == ("mention", 4)
    many = telling(*(Happening("queue", n, f"N{n}") for n in range(1, 7)))
    assert many.text.endswith("; and 3 more")


def test_nobody_is_told_of_what_he_looks_at() -> None:
    anna = Happening("message", 7, "Anna")
    always = Tell(here={"message": ("line",)})
    assert telling(anna, settings=always, away=False, at={7}) is None
    assert telling(anna, settings=always, away=False, at={8}).ways == {"line"}
    assert telling(anna, away=False) is None, "the list shows it"


def test_words_are_told_only_where_one_asks_for_them_and_always_clean() -> None:
    evil = Happening("message", 7, "A\x1b]0;x\x07nna\n", "hi\x1b[31m\u202e there\nand more")
    assert "\x1b" not in telling(evil).text
    assert "hi" not in telling(evil).text
    said = telling(evil, settings=Tell(words=True)).text
    assert "hi" in said
    assert not any(ord(char) < 32 or char == "\u202e" for char in said)


@pytest.mark.parametrize(
    ("hour", "weekday", "quiet"),
    [(23, 0, True), (7, 1, True), (8, 1, False), (12, 0, False), (7, 0, False), (23, 5, False), (7, 5, True)],
)
def test_a_quiet_night_belongs_to_the_day_on_which_it_begins(hour: int, weekday: int, quiet: bool) -> None:
    nights = [Quiet(start="22:00", to="08:00", days=("mon", "tue", "wed", "thu", "fri"), but=("breach",))]
    there = datetime(2026, 11, 30 if weekday == 0 else 0 + weekday, hour, tzinfo=UTC)
    there = there if weekday == 0 else there.replace(month=12)
    assert there.weekday() == weekday
    assert is_quiet(nights, "message", there) is quiet
    assert not is_quiet(nights, "breach", there)


def test_a_quiet_span_within_a_day() -> None:
    lunch = [Quiet(start="12:00", to="13:00")]
    assert is_quiet(lunch, "queue", MONDAY_NOON)
    assert not is_quiet(lunch, "queue", MONDAY_NOON.replace(hour=13))
    assert telling(Happening("queue", 8, "B"), settings=Tell(quiet=lunch)) is None


def test_settings_are_refused_in_words_with_what_is_meant() -> None:
    assert read({}).settings == Settings()
    good = read(
        {"history": False, "tell": {"away": {"message": []}, "quiet": [{"from": "22:00", "to": "07:00"}]}}
    )
    assert good.problems == ()
    assert good.settings.tell.ways("message", away=True) == ()
    assert good.settings.tell.ways("queue", away=True) == ("bell",)
    for data, sentence in (
        ({"histroy": True}, "there is no setting histroy (did you mean history?)"),
        ({"tell": {"wrods": True}}, "there is no setting tell.wrods (did you mean words?)"),
        ({"tell": {"away": {"mesage": []}}}, "there is no setting tell.away.mesage (did you mean message?)"),
        ({"tell": {"quiet": [{"form": "22:00", "to": "07:00"}]}}, "(did you mean from?)"),
        ({"tell": {"quiet": [{"from": "24:00", "to": "07:00"}]}}, "tell.quiet[0].from: "),
        ({"tell": {"terminal": "8"}}, "tell.terminal: Invalid enum value '8'"),
        ({"title": 3}, "title: Expected `bool`, got `int`"),
    ):
        found = read(data)
        assert sentence in found.problems[0], found.problems
        assert found.settings == Settings(), "the console starts all the same"


def test_the_documented_settings_are_the_defaults() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    block = page.partition("All of `console.toml`")[2].partition("\n\n")[2].partition("\n\nNobody")[0]
    found = own_settings.read(tomllib.loads(textwrap.dedent(block)))
    assert found.problems == ()
    tell = found.settings.tell
    for kind in get_args(own_settings.TellKind):
        for away in (True, False):
            assert tell.ways(kind, away=away) == Tell().ways(kind, away=away), kind
    assert (found.settings.history, found.settings.title, tell.gather_seconds) == (True, True, 3.0)
    assert tell.away.keys() == set(get_args(own_settings.TellKind)), "every kind is on the page"


def test_both_files_are_read_from_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "omni-console"
    folder.mkdir()
    (folder / "console.toml").write_text("title = false\nx = 1", encoding="utf-8")
    (folder / "keys.toml").write_text('[keys]\n"reply.strt" = "x"', encoding="utf-8")
    found = own.read()
    assert [problem.split(":")[0] for problem in found.problems] == [
        "there is no action reply.strt (did you mean reply.start?)",
        "console.toml",
    ]
    (folder / "console.toml").write_text("[tell", encoding="utf-8")
    assert "console.toml" in own_settings.load(folder / "console.toml").problems[0]


def test_signs_for_the_terminal_hold_nothing_but_themselves() -> None:
    term = {"TERM": "xterm-256color"}
    assert title(0) == "Omni"
    assert title_sequence(title(3)) == "\x1b]2;(3) Omni\x07"
    assert title_sequence("a\x1b]0;b\x07c").count("\x1b") == 1
    assert notification("9", "Anna; writes", term) == "\x1b]9;Anna; writes\x07"
    assert notification("777", "Anna; writes", term) == "\x1b]777;notify;Omni;Anna, writes\x07"
    assert notification("99", "Anna", term) == "\x1b]99;;Anna\x1b\\"
    assert notification("", "Anna", term) == ""
    inside = notification("9", "Anna", {**term, "TMUX": "tmux"})
    assert inside == "\x1bPtmux;\x1b\x1b]9;Anna\x07\x1b\\"
    assert not takes_titles({"TERM": "linux"})
    assert notification("9", "Anna", {"TERM": "linux"}) == ""
