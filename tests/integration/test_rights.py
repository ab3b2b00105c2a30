"""Who sees what: every route and every kind of event, asked by each role.

Whatever a collaborator must not see is called a canary here; none may be in any byte that he gets.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from channels.base import Attachment
from server.api.app import create_operator_app
from server.api.describe import description
from server.operators import authorise, limited_to
from server.people.card_settings import FieldSettings
from server.protocol import CaseCommand, NoteCommand, OperatorInfo, Role
from server.store import operators as accounts
from server.store.transaction import Event, Transaction
from tests.fakes.running_server import OLGA, RITA, Listening, Running, refusal, running_server

CARL, LENA = 4801, 4802
SERVER = Path(__file__).parents[2] / "server"
FROM: list[Literal["reader", "operator", "lead"]] = ["operator", "reader"]
BUILT_IN = {
    "first_name": "Hidden-Ann",
    "last_name": "Hidden-Smith",
    "username": "hidden_ann",
    "company": "Hidden Works",
    "time_zone": "Asia/Kamchatka",
}
HIDDEN = {
    "salary": FieldSettings(title="Salary", hidden_from=FROM),
    **{name: FieldSettings(hidden_from=FROM) for name in BUILT_IN},
}


class World:
    """One conversation shared with Carl of the workshop; another one of the same person, and one of somebody
    else, that were not."""

    def __init__(self, run: Running) -> None:
        self.run = run
        self.carl: OperatorInfo
        self.shared = 0
        self.person = 0
        self.others: list[int] = []

    async def build(self) -> None:
        run = self.run
        for who in (("carl", "Carl", "collaborator", CARL), ("lena", "Lena", "lead", LENA)):
            added = await run.server.database.write(lambda tx, who=who: accounts.add(tx, *who))  # type: ignore[misc]
            self.carl = added if added.login == "carl" else self.carl
        olga = await run.client(OLGA)
        picture = Attachment(kind="file", name="canary.png", content_type="image/png", data=b"canary bytes")
        await run.letters.hear("p@canary.example", "canary of the past", "Petra", attachments=[picture])
        [past] = (await olga.conversations("queue")).items
        await olga.claim(past.id, None)
        await olga.note(past.id, NoteCommand(client_id="note-0001", text="canary note"))
        await olga.people.case(past.id, CaseCommand(summary="canary summary", tags=["canary"]))
        await olga.close_conversation(past.id, "canary topic", "canary result")
        self.person = past.customer_id
        card = b'{"fields":{"salary":"canary 900"}}'
        status, said = await run.ask("PATCH", f"/v1/customers/{self.person}", card, uid=None)
        assert status == 200, said
        run.clock.advance(40 * 86_400_000)
        await run.letters.hear(
            "p@canary.example",
            "the pump drips",
            "Petra",
            attachments=[Attachment(kind="file", name="pump.png", content_type="image/png", data=b"a pump")],
        )
        [now] = (await olga.conversations("queue")).items
        self.shared = now.id
        await run.letters.hear("q@canary.example", "canary of another", "Canary Quentin", subject="canary")
        await run.hook("canary of the market", person={"name": "Canary Mary", "email": "m@canary.example"})
        queue = (await olga.conversations("queue")).items
        self.others = [past.id, *(row.id for row in queue if row.id != now.id)]
        await run.answer(olga, self.others[1], "canary reply")
        await run.settled()
        await olga.share(self.shared, self.carl.id)
        assert len(self.others) == 3


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running_server(fields=HIDDEN) as run:
        made = World(run)
        await made.build()
        yield made


def routes_of(run: Running) -> list[tuple[str, str]]:
    app = create_operator_app(run.context)
    return sorted(
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    )


def filled(path: str, most: int) -> Iterator[str]:
    """The path with every number up to `most` in each of its places, and with names that there are."""
    names = re.findall(r"\{(\w+)\}", path)
    values: dict[str, list[object]] = {
        "login": ["olga"],
        "name": ["salary"],
        "channel": ["mail"],
        "kind": ["order"],
        "template": ["1"],
    }
    for chosen in itertools.product(*(values.get(name, list(range(1, most + 1))) for name in names)):
        yield path.format(**dict(zip(names, chosen, strict=True)))


QUERIES = (
    "",
    "?q=canary",
    "?q=is:open",
    "?q=canary+channel:mail",
    "?find=canary",
    "?view=all",
    "?view=closed",
    "?view=mine",
    "?around=1",
)


async def test_no_route_shows_a_collaborator_what_was_not_shared(world: World) -> None:
    asked = 0
    for method, path in routes_of(world.run):
        if method != "GET" or path == "/v1/events":
            continue
        for url in filled(path, 14):
            for query in QUERIES:
                status, body = await world.run.ask("GET", url + query, uid=CARL)
                assert status < 500, (url, body)
                assert b"canary" not in body.lower(), (url + query, body)
                asked += 1
    assert asked > 300


async def test_what_was_shared_is_shown(world: World) -> None:
    carl = await world.run.client(CARL)
    assert [row.id for row in (await carl.conversations("all")).items] == [world.shared]
    detail = await carl.detail(world.shared)
    assert [one.text for one in detail.history.messages] == ["the pump drips"]
    assert detail.customer.name == "Petra"
    assert (detail.customer.addresses, detail.ways) == ([], [])
    [file] = detail.history.messages[0].files
    status, body = await world.run.ask("GET", f"/v1/files/{file.id}", uid=CARL)
    assert (status, body) == (200, b"a pump")
    assert [hit.message.text for hit in (await carl.search("pump")).hits] == ["the pump drips"]
    assert (await carl.search("canary")).hits == []
    assert "asks cards" in str(await refusal(carl.search("from:p@canary.example")))
    written = await carl.note(world.shared, NoteCommand(client_id="note-0002", text="a new seal, @olga"))
    assert written.author == "Carl"
    olga = await world.run.client(OLGA)
    assert [one.note.text for one in (await olga.mentions()).items] == ["a new seal, @olga"]
    assert (await olga.detail(world.shared)).conversation.shared_with == [world.carl.id]


async def test_he_can_do_nothing_else(world: World) -> None:
    before = await world.run.read("SELECT id, seq, state, assignee_id FROM conversation ORDER BY id")
    for method, path in routes_of(world.run):
        handler = next(
            route.handler
            for route in create_operator_app(world.run.context).router.routes()
            if route.method == method and route.resource is not None and route.resource.canonical == path
        )
        action = getattr(description(handler), "action", None)
        if action is None or path == "/v1/events":
            continue
        allowed = authorise(world.carl, action)
        for url in filled(path, 4):
            status, body = await world.run.ask(method, url, b"{}" if method != "GET" else None, uid=CARL)
            assert (status != 403) == allowed, (method, url, status, body)
            if method != "GET":
                assert b"canary" not in body.lower(), (method, url, body)
    assert await world.run.read("SELECT id, seq, state, assignee_id FROM conversation ORDER BY id") == before


async def test_notes_and_drafts_go_nowhere_else(world: World) -> None:
    for other in world.others:
        for method, path, body in (
            ("POST", "note", {"client_id": "note-0003", "text": "x"}),
            ("PUT", "draft", {"conversation_id": other, "kind": "note", "text": "x"}),
            ("POST", "seen", {"seq": 1}),
        ):
            url = f"/v1/conversations/{other}/{path}"
            status, said = await world.run.ask(method, url, msgspec.json.encode(body), uid=CARL)
            assert status == 404, (url, said)


async def test_who_may_not_see_a_conversation_is_not_called_to_it(world: World) -> None:
    olga = await world.run.client(OLGA)
    error = await refusal(olga.note(world.others[0], NoteCommand(client_id="note-0004", text="@carl?")))
    assert "share it with carl first" in error.body.hint
    await olga.note(world.shared, NoteCommand(client_id="note-0005", text="@carl?"))
    carl = await world.run.client(CARL)
    assert [one.note.text for one in (await carl.mentions()).items] == ["@carl?"]
    await olga.unshare(world.shared, world.carl.id)
    assert (await carl.mentions()).items == []
    assert (await carl.mentions()).open == 0


async def test_only_collaborators_need_anything_shared(world: World) -> None:
    olga = await world.run.client(OLGA)
    [rita] = await world.run.read("SELECT id FROM operator WHERE login = 'rita'")
    error = await refusal(olga.share(world.shared, int(rita["id"])))
    assert "sees everything" in str(error)


async def test_work_is_never_handed_to_a_collaborator(world: World) -> None:
    olga = await world.run.client(OLGA)
    error = await refusal(olga.assign(world.shared, world.carl.id, "yours"))
    assert "may not answer customers" in str(error)


# --- the event stream ---------------------------------------------------------------------------------


KIND = re.compile(
    r"(conversation|message|note|contact|customer|mention|draft|share|identity|record|channel|operator|template"
    r"|journal|log)\.[a-z_]+"
)


def kinds() -> set[str]:
    """Every kind of event that the server's code writes."""
    return {
        node.value
        for path in SERVER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value)
    }


def whole(listening: Listening) -> str:
    return json.dumps([[one.kind, one.text, bytes(one.body).decode()] for one in listening.heard]).lower()


async def test_no_event_tells_a_collaborator_what_was_not_shared(world: World) -> None:
    """All that is in the log, heard again from its beginning; then one of each kind, live."""
    run = world.run
    live = await run.listen(CARL)
    first = "SELECT id, customer_id FROM message WHERE conversation_id = ? LIMIT 1"
    [secret] = await run.read(first, world.others[0])
    [own] = await run.read(first, world.shared)
    assert len(kinds()) > 25

    pairs = ((world.others[0], secret), (world.shared, own), (world.shared, secret))

    def emit(tx: Transaction) -> None:
        for kind in sorted(kinds()):
            for conversation, message in pairs:
                tx.emit(
                    kind,
                    conversation_id=conversation,
                    customer_id=message["customer_id"],
                    message_id=message["id"],
                    operator_id=1,
                )
            tx.emit(kind, customer_id=secret["customer_id"], operator_id=1)

    await run.server.database.write(emit)
    newest = await run.newest()
    await live.reached(newest)
    again = await run.listen(CARL, resume=0)
    await again.reached(newest)
    for heard in (live, again):
        assert "canary" not in whole(heard)
        got = {one.kind for one in heard.events()}
        assert {"message.received", "conversation.state", "note.added"} <= got
        assert not got & {"customer.changed", "customer.merged", "identity.suggested", "record.changed"}


async def test_what_is_shared_and_taken_back_is_heard_of_at_once(world: World) -> None:
    carl = await world.run.listen(CARL)
    olga = await world.run.client(OLGA)
    other = world.others[1]
    await olga.share(other, world.carl.id)
    await carl.reached(await world.run.newest())
    [shared] = carl.bodies("conversation.shared")
    assert shared.conversation is not None and shared.conversation.id == other
    await olga.unshare(other, world.carl.id)
    await world.run.letters.hear("q@canary.example", "and now?", "Quentin")
    await carl.reached(await world.run.newest())
    assert [one.data for one in carl.bodies("share.ended")] == [{"conversation": other}]
    assert "and now?" not in whole(carl)
    client = await world.run.client(CARL)
    assert (await refusal(client.detail(other))).status == 404


async def test_what_is_split_off_or_joined_is_shared_with_nobody(world: World) -> None:
    run = world.run
    await run.letters.hear("p@canary.example", "words for a case of their own", "Petra")
    olga = await run.client(OLGA)
    before = await olga.detail(world.shared)
    words = before.history.messages[-1]
    await olga.people.split(world.shared, [words.id], "")
    carl = await run.client(CARL)
    again = await run.listen(CARL, resume=0)
    await again.reached(await run.newest())
    detail = await carl.detail(world.shared)
    assert [one.text for one in detail.history.messages] == ["the pump drips"]
    assert "words for a case" not in whole(again)
    [split] = await run.read("SELECT max(id) AS id FROM conversation")
    await olga.people.join(int(split["id"]), world.shared)
    assert (await refusal(carl.detail(world.shared))).status == 404


async def test_of_the_erased_collaborators_hear_too(world: World) -> None:
    carl = await world.run.listen(CARL)
    body = b'{"name":"Petra","reason":"asked"}'
    status, said = await world.run.ask("POST", f"/v1/customers/{world.person}/erase", body, uid=None)
    assert status == 200, said
    await carl.reached(await world.run.newest())
    assert [one.data for one in carl.bodies("share.ended")] == [{"conversation": world.shared}]


# --- the other roles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "uid"), [("reader", RITA), ("operator", OLGA), ("lead", LENA)])
async def test_every_route_asks_the_one_question(world: World, role: Role, uid: int) -> None:
    """403 exactly where `authorise` says so, before anything of the body is looked at."""
    me = OperatorInfo(id=1, login="x", name="x", role=role)
    for route in create_operator_app(world.run.context).router.routes():
        action = getattr(description(route.handler), "action", None)
        if route.method == "HEAD" or route.resource is None or action is None:
            continue
        url = next(filled(route.resource.canonical, 1))
        sent = None if route.method == "GET" else b"["
        status, body = await world.run.ask(route.method, url, sent, uid=uid)
        assert (status != 403) == authorise(me, action), (route.method, url, status, body)


async def test_a_hidden_field_is_in_no_answer(world: World) -> None:
    """Not on the card, not by search or segment, not in a text that is filled in."""
    for role_uid in (OLGA, RITA):
        for method, path in routes_of(world.run):
            if method == "GET" and path != "/v1/events":
                for url in filled(path, 4):
                    _, body = await world.run.ask("GET", url + "?find=900&q=900", uid=role_uid)
                    assert b"canary 900" not in body, url
    status, body = await world.run.ask("GET", f"/v1/customers/{world.person}", uid=None)
    assert status == 200 and b"canary 900" in body


async def test_a_hidden_field_that_every_site_has_is_in_no_answer_either(world: World) -> None:
    """Not on the card, in lists, by search, by segment, in a text that is filled in, or in the stream."""
    run, path = world.run, f"/v1/customers/{world.person}"
    live = await run.listen(OLGA)
    known = {name: value for name, value in BUILT_IN.items() if name != "time_zone"}
    body = msgspec.json.encode({"fields": known, "time_zone": BUILT_IN["time_zone"]})
    assert (await run.ask("PATCH", path, body, uid=None))[0] == 200
    text = " ".join(f"{{{name}}}" for name in BUILT_IN)
    ready = msgspec.json.encode({"title": "All", "variants": [{"text": text}]})
    assert (await run.ask("PUT", "/v1/templates/all", ready, uid=None))[0] == 200
    values = [value.encode() for value in BUILT_IN.values()]
    asked = [("GET", route) for method, route in routes_of(run) if method == "GET" and route != "/v1/events"]
    for uid in (OLGA, RITA):
        for method, route in asked:
            for url in filled(route, 3):
                _, said = await run.ask(method, url + "?limit=200", uid=uid)
                assert not any(value in said for value in values), (url, said)
        for value in BUILT_IN.values():
            _, said = await run.ask("GET", f"/v1/customers?find={value.rpartition('/')[2]}", uid=uid)
            assert json.loads(said)["items"] == []
        for name in BUILT_IN:
            assert (await run.ask("GET", f"{path}/fields/{name}", uid=uid))[0] == 404
            assert (await run.ask("GET", "/v1/segments", uid=uid))[1] == b"[]"
        listed = {one["name"] for one in json.loads((await run.ask("GET", "/v1/fields", uid=uid))[1])}
        assert listed == {"name", "language", "preferred_channel"}
    for sent in ({"fields": {"company": "x"}}, {"time_zone": "Asia/Tokyo"}):
        assert (await run.ask("PATCH", path, msgspec.json.encode(sent), uid=OLGA))[0] == 409
    found = json.loads((await run.ask("GET", f"/v1/conversations/{world.shared}/templates", uid=OLGA))[1])
    assert [(one["text"], one["missing"]) for one in found] == [(text, list(BUILT_IN))]
    many = {"client_id": "bulk-1", "text": text, "customer_ids": [world.person], "purpose": "service"}
    said = (await run.ask("POST", "/v1/bulk-messages", msgspec.json.encode(many), uid=OLGA))[1]
    assert (json.loads(said)["queued"], json.loads(said)["held"]) == (0, 1)
    again = await run.listen(OLGA, resume=0)
    for heard in (live, again):
        await heard.reached(await run.newest())
        assert "customer.changed" in {one.kind for one in heard.events()}
        assert not any(value.lower() in whole(heard) for value in BUILT_IN.values())
    # Whoever may see them does, and they are used as ever.
    card = json.loads((await run.ask("GET", path, uid=None))[1])
    assert card["time_zone"] == "Asia/Kamchatka"
    assert {one["name"]: one["value"] for one in card["fields"] if one["name"] in known} == known


def test_each_role_is_decided_about() -> None:
    seen = {
        role: limited_to(OperatorInfo(id=7, login="x", name="x", role=role))
        for role in ("admin", "lead", "operator", "reader", "collaborator")
    }
    assert seen == {"admin": None, "lead": None, "operator": None, "reader": None, "collaborator": 7}
    carl = OperatorInfo(id=7, login="x", name="x", role="collaborator")
    event = Event(seq=1, at=0, kind="customer.changed", conversation_id=1, customer_id=1)
    assert not authorise(carl, "look", event, shared_with={7})
