"""`omni people`: import that changes nothing when run twice, export of one person with everything."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.base import Attachment
from server.people.card_settings import FieldSettings
from server.protocol import Customer, CustomerPage, Field
from tests.fakes import omni_command
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import Running, running_server

FIELDS = {"plan": FieldSettings(title="Plan", kind="choice", choices=["gold", "silver"])}
PEOPLE: list[dict[str, Any]] = [
    {
        "person": {
            "id": "7",
            "name": "Иван Петров",
            "emails": ["Ivan@Example.org"],
            "phones": ["8 916 123-45-67"],
            "tags": ["vip"],
            "language": "ru",
            "fields": {"plan": "gold"},
            "consents": {"marketing:email": True},
        }
    },
    {"person": {"id": "8", "name": "Анна Петрова", "emails": ["ivan@example.org"]}},
]
SAID: list[dict[str, Any]] = [
    {
        "message": {
            "person": "7",
            "id": "m1",
            "at": 1_700_000_000_000,
            "text": "где посылка?",
            "conversation": "t1",
        }
    },
    {
        "message": {
            "person": "7",
            "id": "m2",
            "at": 1_700_000_100_000,
            "text": "в пути",
            "who": "us",
            "author": "Ольга",
            "channel": "mail",
            "conversation": "t1",
        }
    },
    {"message": {"person": "7", "id": "m3", "at": 1_600_000_000_000, "text": "раньше", "conversation": "t0"}},
    {"message": {"person": "8", "id": "m1", "at": 1_700_000_000_000, "text": "заметка", "who": "note"}},
]
TABLES = (
    "customer",
    "address",
    "conversation",
    "message",
    "field",
    "customer_tag",
    "journal",
    "event",
    "thread",
)


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(fields=FIELDS) as running:
        yield running


async def omni(run: Running, *arguments: str) -> tuple[int, str, str]:
    return await omni_command.omni(run, "people", *arguments)


def written(folder: Path, lines: list[dict[str, Any]]) -> str:
    file = folder / "people.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return str(file)


async def everything(run: Running) -> dict[str, list[dict[str, Any]]]:
    return {
        table: await run.read(f"SELECT * FROM {table} ORDER BY 1, 2, 3")  # noqa: S608 - names of tables
        for table in TABLES
    }


async def card_of(run: Running, words: str) -> Customer:
    page = await ask(run, CustomerPage, "GET", f"/v1/customers?find={words}")
    return await ask(run, Customer, "GET", f"/v1/customers/{page.items[0].id}")


async def test_a_dry_run_says_what_would_happen_and_does_nothing(run: Running, tmp_path: Path) -> None:
    file = written(tmp_path, [*PEOPLE, *SAID])
    before = await everything(run)
    code, out, _ = await omni(run, "import", file, "--dry-run")
    assert code == 0 and out == (
        "people:   2 would be new, 0 would be changed, 0 as they are\n"
        "messages: 4 would be new, 0 there already\n"
    )
    assert await everything(run) == before
    dry = json.loads((await omni(run, "import", file, "--dry-run", "--json"))[1])
    done = json.loads((await omni(run, "import", file, "--json"))[1])
    assert dry == done and done["people_new"] == 2 and done["messages_new"] == 4


async def test_the_same_file_again_changes_nothing(run: Running, tmp_path: Path) -> None:
    file = written(tmp_path, [*PEOPLE, *SAID])
    assert (await omni(run, "import", file))[0] == 0
    before = await everything(run)
    code, out, _ = await omni(run, "import", file)
    assert code == 0 and out == (
        "people:   0 new, 0 changed, 2 as they are\nmessages: 0 new, 4 there already\n"
    )
    assert await everything(run) == before


async def test_what_was_imported_is_there_and_wakes_nobody(run: Running, tmp_path: Path) -> None:
    olga = await run.client()
    listening = await run.listen()
    await omni(run, "import", written(tmp_path, [*PEOPLE, *SAID]))
    assert (await olga.conversations("all")).items == []
    assert (await olga.conversations("queue")).counts.queue == 0
    await listening.reached(await run.newest())
    assert listening.events("message.received") == [] and listening.events("conversation.opened") == []
    found = await olga.search("посылку")
    assert [hit.message.text for hit in found.hits] == ["где посылка?"]
    ivan = await card_of(run, "петров+иван")
    river = (await olga.history(ivan.id, None)).messages
    assert [(one.text, one.kind, one.author) for one in river] == [
        ("раньше", "in", "Иван Петров"),
        ("где посылка?", "in", "Иван Петров"),
        ("в пути", "out", "Ольга"),
    ]
    assert [one.state for one in ivan.conversations] == ["closed", "closed"]
    assert {one.last_at for one in ivan.conversations} == {1_700_000_100_000, 1_600_000_000_000}
    assert {one.customer_seq for one in ivan.conversations} == {0}, "nothing is unread"
    assert {(one.name, one.value, one.source) for one in ivan.fields} == {
        ("name", "Иван Петров", "import"),
        ("plan", "gold", "import"),
        ("language", "ru", "import"),
    }
    assert ivan.tags == ["vip"] and ivan.consents[0].granted and ivan.consents[0].source == "import"
    # Nobody has shown that these addresses are his: they are claims, and no way to answer.
    assert {one.scheme for one in ivan.addresses if one.verified} == {"import"}
    anna = await card_of(run, "анна")
    assert anna.id != ivan.id and anna.notes == 1


async def test_vouched_addresses_can_be_answered_and_join_nobody(run: Running, tmp_path: Path) -> None:
    code, out, _ = await omni(run, "import", written(tmp_path, [*PEOPLE, *SAID]), "--vouch")
    assert code == 0 and "1 addresses stay claims" in out
    await run.letters.hear("ivan@example.org", "it is me", "Иван Петров")
    [row] = await run.read("SELECT customer_id FROM message WHERE text = 'it is me'")
    assert row["customer_id"] == (await card_of(run, "иван")).id
    assert len(await run.read("SELECT id FROM customer WHERE merged_into IS NULL")) == 2


async def test_a_changed_file_changes_only_that_and_no_colleagues_word(run: Running, tmp_path: Path) -> None:
    await omni(run, "import", written(tmp_path, [*PEOPLE, *SAID]))
    ivan = await card_of(run, "иван")
    path = f"/v1/customers/{ivan.id}"
    await ask(run, Customer, "PATCH", path, name="Иван П.", tags=[], fields={"plan": "silver"}, language="en")
    code, out, _ = await omni(run, "import", written(tmp_path, [*PEOPLE, *SAID]))
    assert code == 0 and "0 changed, 2 as they are" in out
    changed = json.loads(json.dumps(PEOPLE))
    changed[0]["person"]["language"] = "de"
    more = [*SAID, {"message": {"person": "7", "id": "m4", "at": 1_700_000_200_000, "text": "новое"}}]
    _, out, _ = await omni(run, "import", written(tmp_path, [*changed, *more]))
    assert out == "people:   0 new, 1 changed, 1 as they are\nmessages: 1 new, 4 there already\n"
    card = await ask(run, Customer, "GET", path)
    assert (card.name, card.language, card.tags) == ("Иван П.", "de", [])
    assert {one.value for one in card.fields if one.name == "plan"} == {"silver"}
    history = await ask(run, list[Field], "GET", f"{path}/fields/language")
    assert [(one.value, one.source) for one in history] == [
        ("de", "import"),
        ("en", "operator"),
        ("ru", "import"),
    ]


async def test_bad_lines_are_named_and_nothing_is_done(run: Running, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        *PEOPLE,
        {"person": {"id": "9", "fields": {"plan": "bronze"}}},
        {"person": {"id": "10", "phones": ["12"]}},
        {"person": {"id": "11", "consents": {"Marketing!": True}}},
        {"message": {"person": "nobody", "id": "1", "at": 1, "text": "x"}},
        {"nothing": 1},
    ]
    before = await everything(run)
    code, out, err = await omni(run, "import", written(tmp_path, lines))
    assert code == 1 and out == ""
    assert [line.split(":")[1] for line in err.splitlines()[:-1]] == ["3", "4", "5", "6", "7"]
    assert "choices: gold, silver" in err and "nothing was imported" in err
    assert await everything(run) == before


async def test_a_spreadsheet_of_many(run: Running, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [f"{number};Person {number};p{number}@example.org" for number in range(450)]
    file.write_text("id;name;email\n" + "\n".join(rows), encoding="utf-8")
    code, out, _ = await omni(run, "import", str(file))
    assert code == 0 and out.startswith("people:   450 new")
    code, out, _ = await omni(run, "find", "person", "449")
    assert code == 0 and "p449@example.org" in out
    assert (await omni(run, "find", "nobody"))[0] == 1


async def test_history_across_batches_knows_who_comes_before(run: Running, tmp_path: Path) -> None:
    said = [
        {"message": {"person": "7", "id": str(number), "at": number, "text": f"m{number}"}}
        for number in range(300)
    ]
    file = written(tmp_path, [*PEOPLE, *said])
    _, dry, _ = await omni(run, "import", file, "--dry-run", "--json")
    _, done, _ = await omni(run, "import", file, "--json")
    assert json.loads(dry) == json.loads(done) and json.loads(done)["messages_new"] == 300


async def test_a_dry_run_knows_what_earlier_parts_of_the_file_would_take(
    run: Running, tmp_path: Path
) -> None:
    """A family mailbox and a shared telephone, hundreds of lines apart."""
    many: list[dict[str, Any]] = [{"person": {"id": str(number)}} for number in range(250)]
    many[0]["person"] |= {"emails": ["Home@example.org"], "phones": ["8 916 123-45-67"]}
    many[240]["person"] |= {"emails": ["home@example.org"], "phones": ["+7 (916) 123 45 67"]}
    file = written(tmp_path, many)
    _, dry, _ = await omni(run, "import", file, "--vouch", "--dry-run", "--json")
    _, done, _ = await omni(run, "import", file, "--vouch", "--json")
    assert json.loads(dry) == json.loads(done) and json.loads(done)["held"] == 2


async def test_only_administrators_import_and_export(run: Running) -> None:
    await refused(run, 403, "POST", "/v1/people/import", lines=[])
    await refused(run, 403, "GET", "/v1/customers/1/export")


async def test_one_person_as_one_file_with_everything(run: Running, tmp_path: Path) -> None:
    await omni(run, "import", written(tmp_path, [*PEOPLE, *SAID]))
    picture = Attachment(name="../../etc/passwd", content_type="image/png", kind="image", data=b"picture")
    await run.letters.hear("ivan@example.org", "new", "Иван", attachments=(picture,))
    [row] = await run.read("SELECT customer_id FROM message WHERE text = 'new'")
    imported = await card_of(run, "иван+петров")
    await ask(run, dict[str, Any], "POST", f"/v1/customers/{imported.id}/merge", other_id=row["customer_id"])
    await ask(run, Any, "PUT", "/v1/records/order/1187", customer_id=imported.id, title="Boots")
    target = tmp_path / "person.zip"
    code, _, err = await omni(run, "export", str(imported.id), "-o", str(target))
    assert code == 0, err
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as archive:
        person = json.loads(archive.read("person.json"))
        [file] = person["files"]
        assert sorted(archive.namelist()) == [f"files/{file['id']}", "person.json"]
        assert archive.read(f"files/{file['id']}") == b"picture"
    assert [one["text"] for one in person["messages"]] == ["раньше", "где посылка?", "в пути", "new"]
    assert person["records"][0]["external_id"] == "1187" and person["format"] == "omni-person-1"
    assert {one["name"] for one in person["field_history"]} >= {
        "name",
        "plan",
        "language",
        "consent.marketing.email",
    }
    assert len(person["conversations"]) == 3
    code, _, err = await omni(run, "export", str(imported.id), "-o", str(target))
    assert code == 2 and "it exists" in err
    code, out, _ = await omni(run, "export", str(imported.id))
    assert code == 0 and json.loads(out)["customer"]["id"] == imported.id


async def test_a_card_in_the_terminal(run: Running, tmp_path: Path) -> None:
    await omni(run, "import", written(tmp_path, [*PEOPLE, *SAID]))
    ivan = await card_of(run, "иван+петров")
    await ask(run, Customer, "PATCH", f"/v1/customers/{ivan.id}", name="Иван\x1b[31m")
    code, out, _ = await omni(run, "show", str(ivan.id))
    assert code == 0 and "\x1b" not in out
    assert "claimed" in out and "plan: gold" in out and "2 conversations" in out
    assert json.loads((await omni(run, "show", str(ivan.id), "--json"))[1])["id"] == ivan.id
    assert (await omni(run, "show", "999"))[0] == 1


async def test_one_text_to_many_is_shown_first_and_sent_once(run: Running) -> None:
    await run.letters.hear("anna@example.org", "where is it?", "Anna")
    await run.letters.hear("boris@example.org", "thanks", "Boris")
    client = await run.client()
    [boris] = [row for row in (await client.conversations("queue")).items if row.customer == "Boris"]
    await client.claim(boris.id, None)
    await client.close_conversation(boris.id, "lamp", "told")
    both = [str(row.customer_id) for row in (await client.conversations("all")).items] + [
        str(boris.customer_id)
    ]
    asked = ("write", *both, "--purpose", "service", "-m", "We move, {name}.")
    code, out, _ = await omni(run, *asked)
    assert code == 1 and "1 would be sent" in out and "is open" in out
    assert run.letters.sent == []
    for _again in range(2):
        code, out, _ = await omni(run, *asked, "--send")
        assert code == 1, out
    await run.settled()
    assert [one.text for one in run.letters.sent] == ["We move, Boris."]
    code, _, error = await omni(run, "write", "--purpose", "service", "-m", "x")
    assert code == 2 and "to whom" in error
