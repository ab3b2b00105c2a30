"""What is done to people by commands: the card, codes, contacts; each deed taken back by what it prints."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator

import pytest

from server.people.card_settings import FieldSettings
from server.settings import SendingSettings
from tests.fakes.omni_command import omni
from tests.fakes.post_office import post_office
from tests.fakes.running_server import Running, only, running_server
from tests.integration.test_line_mode import as_json, ok

FIELDS = {"plan": FieldSettings(title="Plan", kind="choice", choices=["gold", "silver"])}
OWNED = "\x1b]0;owned\x07 \u202etxt\n1: plan is gold"


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(fields=FIELDS) as running:
        yield running


async def somebody(run: Running, text: str = "hello", address: str = "ivan@example.org") -> tuple[str, str]:
    """His card and his conversation."""
    receipt = await run.letters.hear(address, text, "Ivan")
    [row] = await run.read(
        "SELECT customer_id, conversation_id FROM message WHERE id = ?", receipt.message_id
    )
    return str(row["customer_id"]), str(row["conversation_id"])


async def taken_back(run: Running, said: str) -> str:
    """Does what a command printed as the way back."""
    found = re.search(r"omni ([^;\n]*) takes it back", said)
    assert found is not None, said
    return await ok(run, *shlex.split(found[1]))


async def test_fields_and_tags_of_a_card(run: Running) -> None:
    card, _ = await somebody(run)
    said = await ok(run, "people", "set", card, "plan=gold", "name=Ivan Petrov")
    assert f"{card}: plan is gold; omni people history {card} plan has what it was" in said
    changed = await as_json(run, "people", "set", card, "plan=silver", "language=ru")
    assert (changed["name"], changed["language"]) == ("Ivan Petrov", "ru")
    history = await as_json(run, "people", "history", card, "plan")
    assert [one["value"] for one in history] == ["silver", "gold"]
    await ok(run, "people", "history", card, "plan", "--back", str(history[1]["id"]))
    assert "plan: gold" in await ok(run, "people", "show", card)
    assert "is removed" in await ok(run, "people", "set", card, "plan=")
    assert "(removed)" in await ok(run, "people", "history", card, "plan")
    assert await ok(run, "people", "tag", card, "--add", "vip", "--add", "new") == f"{card}: new vip\n"
    assert await ok(run, "people", "tag", card, "--remove", "vip") == f"{card}: new\n"
    code, _, err = await omni(run, "people", "set", card, "plan=bronze")
    assert (code, "gold" in err) == (1, True)
    assert (await omni(run, "people", "set", card, "plan"))[0] == 2
    assert (await omni(run, "people", "history", card, "time_zone"))[0] == 1
    assert (await omni(run, "people", "set", "999", "plan=gold"))[0] == 1


async def test_a_hostile_value_is_printed_as_text(run: Running) -> None:
    card, _ = await somebody(run)
    said = await ok(run, "people", "set", card, f"name={OWNED}")
    shown = [said, await ok(run, "people", "history", card, "name"), await ok(run, "people", "show", card)]
    shown.append(await ok(run, "people", "history", card, "name", "--json"))
    for out in shown:
        assert not {char for char in out if not char.isprintable()} - {"\n"}
        assert not any(line.startswith("1: plan is gold") for line in out.splitlines())


async def test_addresses_consents_and_who_belongs_together(run: Running) -> None:
    card, _ = await somebody(run)
    other, _ = await somebody(run, address="maria@example.org")
    said = await ok(run, "people", "address", card, "+7 916 123-45-67")
    assert "a claim" in said
    assert "is forgotten" in await taken_back(run, said)
    assert "+7916" not in await ok(run, "people", "show", card)
    vouched = await ok(run, "people", "address", card, "ivan@work.example", "--vouch")
    assert "replies may go there" in vouched
    known = (await as_json(run, "people", "show", card))["addresses"]
    assert {one["external_id"]: one["verified"] for one in known}["ivan@work.example"] is True
    assert await ok(run, "people", "consent", card, "marketing", "no", "--by", "email") == (
        f"{card}: marketing by email: no\n"
    )
    consents = (await as_json(run, "people", "consent", card, "service", "yes"))["consents"]
    assert {(one["purpose"], one["scheme"], one["granted"]) for one in consents} == {
        ("marketing", "email", False),
        ("service", "*", True),
    }
    linked = await ok(run, "people", "link", card, other, "--as", "his wife")
    assert "his wife" in await ok(run, "people", "show", card)
    assert "linked no more" in await taken_back(run, linked)
    assert "his wife" not in await ok(run, "people", "show", card)
    assert (await omni(run, "people", "address", card))[0] == 2


async def test_what_was_found_in_messages_goes_to_the_card(run: Running) -> None:
    card, _ = await somebody(run, "call me: 8 916 123-45-67")
    assert "+79161234567" in await ok(run, "people", "found", card)
    assert (await omni(run, "people", "found", card, "--add", "+7000"))[0] == 1
    said = await ok(run, "people", "found", card, "--add", "+79161234567")
    assert (await omni(run, "people", "found", card))[0] == 1
    await taken_back(run, said)
    assert "+79161234567" in await ok(run, "people", "found", card)


async def test_a_contact_is_written_down(run: Running) -> None:
    card, which = await somebody(run)
    said = await ok(
        run, "contact", "call-in", which, "--result", "told", "--minutes", "5", stdin="asks for\nA-7\n"
    )
    assert said.endswith(f"of conversation {which}\n")
    assert "    asks for\n    A-7\n" in await ok(run, "show", which)
    arguments = ("contact", "call-out", "--of", card, "-m", "rang back", "--when", "10m", "--id", "call-1")
    first, again = [await as_json(run, *arguments) for _ in range(2)]
    assert (first["id"], first["kind"], first["detail"]["medium"]) == (again["id"], "out", "phone")
    assert first["at"] == run.clock.now() - 600_000
    new = await as_json(run, "contact", "office", "--name", "Vera", "-m", "wants a lamp")
    assert new["conversation_id"] != int(which)
    assert (await omni(run, "contact", "office", "-m", "who?"))[0] == 2
    assert (await omni(run, "contact", "office", which, "--name", "Vera", "-m", "both"))[0] == 2
    assert (await omni(run, "contact", "office", which, "-m", "x", "--when", "some day"))[0] == 2


async def test_a_code_shows_whose_an_address_is(run: Running) -> None:
    visitor = await run.visitor()
    await visitor.say("my card is blocked")
    await visitor.post("/contact", {"email": "ivan@example.org"})
    which = str((await only(await run.client())).id)
    asked = await as_json(run, "code", "ask", which, "--to", "Ivan@example.org", "--id", "code-1")
    again = await as_json(run, "code", "ask", which, "--to", "Ivan@example.org", "--id", "code-1")
    assert asked["id"] == again["id"]
    await run.settled()
    [letter] = run.letters.sent
    found = re.search(r"\b(\d{6})\b", letter.text)
    assert found is not None
    wrong = f"{(int(found[1]) + 1) % 1_000_000:06}"
    code, out, _ = await omni(run, "code", "try", str(asked["id"]), wrong)
    assert (code, out) == (1, "wrong; tries left: 4\n")
    assert (await omni(run, "code", "try", str(asked["id"]), "12"))[0] == 2
    assert "right" in await ok(run, "code", "try", str(asked["id"]), f"{found[1][:3]} {found[1][3:]}")
    # He is known now, and not asked again.
    code, _, err = await omni(run, "code", "ask", which, "--to", "ivan@example.org")
    assert (code, "shows who he is, until" in err, "--consent" in err) == (1, True, True)
    assert "code 2 goes to" in await ok(run, "code", "ask", which, "--to", "ivan@example.org", "--consent")
    code, _, err = await omni(run, "code", "ask", which, "--to", "nobody@example.org")
    assert (code, "no address of this customer" in err) == (1, True)


async def test_a_link_leads_on_to_another_channel(run: Running) -> None:
    await run.hook("where is it?", person={"name": "Anna"})
    which = str((await only(await run.client())).id)
    link = await ok(run, "continue", which, "--by", "site", "--print")
    assert link.startswith("https://") and run.receiver.texts() == []
    assert "leads to site" in await ok(run, "continue", which, "--by", "site")
    await run.settled()
    [text] = run.receiver.texts()
    assert "https://" in text
    assert (await omni(run, "continue", which, "--by", "pigeon"))[0] == 1


async def test_every_deed_is_taken_back_by_what_it_prints(run: Running) -> None:
    for text in ("where is my order?", "and another matter"):
        await run.hook(text)
    which = str((await only(await run.client())).id)
    [_, last] = [one["id"] for one in (await as_json(run, "show", which))["history"]["messages"]]
    assert "is taken back" in await taken_back(run, await ok(run, "split", which, str(last)))
    card, _ = await somebody(run)
    other, _ = await somebody(run, address="maria@example.org")
    merged = await ok(run, "identity", "merge", card, other)
    assert "two people" in await taken_back(run, merged)
    assert (await as_json(run, "people", "show", other))["id"] == int(other)
    visitor = await run.visitor()
    await visitor.say("hello")
    await visitor.post("/contact", {"email": "ivan@example.org"})
    assert run.server.suggester is not None
    await run.server.suggester.catch_up()
    [asked] = (await as_json(run, "identity", "list"))["items"]
    refused = await ok(run, "identity", "refuse", str(asked["id"]))
    assert (await as_json(run, "identity", "list"))["items"] == []
    assert "open again" in await taken_back(run, refused)


async def test_a_message_is_forwarded_once() -> None:
    async with post_office() as post:
        first = await post.receive("anna@x.example", "the lamp is broken", subject="Order 12")
        arguments = (post.server, "forward", str(first.id))
        to = ("--to", "Carol <carol@z.example>", "--cc", "bob@y.example", "--by", "mail", "--id", "f-1")
        sent = await as_json(*arguments, *to, "-m", "can you help?")
        assert (await as_json(*arguments, *to, "-m", "can you help?"))["id"] == sent["id"]
        await post.server.settled()
        [mail] = post.smtp.mails
        assert mail.rcpt_tos == ["carol@z.example", "bob@y.example"]
        body = post.sent().get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert text.index("can you help?") < text.index("the lamp is broken")
        assert sent["conversation_id"] != first.conversation_id
        code, _, err = await omni(*arguments, "--to", "carol")
        assert (code, "'carol' is no address" in err) == (2, True)
        code, _, err = await omni(*arguments, "--to", "carol@z.example")
        assert (code, "--by: mail, sales" in err) == (2, True)


async def test_a_forward_that_is_held_is_taken_back() -> None:
    hold = SendingSettings(hold_letters_seconds=10, hold_chats_seconds=0)
    async with post_office(tables={"sending": hold}) as post:
        first = await post.receive("anna@x.example", "the lamp is broken")
        to = ("--to", "carol@z.example", "--by", "mail", "--hold")
        code, out, _ = await omni(post.server, "forward", str(first.id), *to)
        assert (code, "omni outbox withdraw 2 takes it back" in out) == (0, True)
        assert "a draft again" in await ok(post.server, "outbox", "withdraw", "2")
        assert post.smtp.mails == []


async def test_views_are_saved_and_taken_away(run: Running) -> None:
    await run.hook("a blue kettle", sender="a", key="a")
    await run.hook("a red lamp", sender="b", key="b")
    assert await ok(run, "views", "save", "Lamps", "queue", "lamp") == "Lamps: queue lamp\n"
    assert "kettle" not in await ok(run, "list", "--view", "lamps")
    assert "mine" in await ok(run, "views", "list")
    assert (await omni(run, "views", "save", "Odd", "queue", "form:anna"))[0] == 2
    assert (await omni(run, "views", "remove", "Lampz"))[0] == 2
    await ok(run, "views", "remove", "lamps")
    assert await as_json(run, "views", "list") == []
