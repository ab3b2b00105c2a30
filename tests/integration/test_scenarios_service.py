"""Three stories of service, through the doors that customers, other systems and operators use.

A card is blocked abroad; a chat goes on by telephone and e-mail; and nobody is offered what he has paid for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.protocol import BulkDone, Conversation, Customer, Message, Record, SpamDone
from server.settings import UrgentSettings
from tests.fakes.asking import ask, refused
from tests.fakes.real_mail import RealMail, real_mail
from tests.fakes.running_server import IVAN, OLGA, Running, only, running_server

DAY_MS = 86_400_000
MINUTE_MS = 60_000


URGENT = UrgentSettings(words=("заблокирована", "card is blocked"))


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(urgent=URGENT) as running:
        yield running


@pytest.fixture
async def mail() -> AsyncIterator[RealMail]:
    async with real_mail() as made:
        yield made


@pytest.fixture
async def mailed(mail: RealMail) -> AsyncIterator[Running]:
    """A server whose letters come over IMAP and go over SMTP."""
    async with running_server(urgent=URGENT) as running:
        await mail.connected(running)
        yield running


async def test_a_blocked_card_abroad(mailed: Running, mail: RealMail) -> None:
    run = mailed
    consoles = [await run.listen(OLGA), await run.listen(IVAN)]
    olga, ivan = await run.client(), await run.client(IVAN)
    for number in range(20):
        await mail.hear(run, f"patient{number}@example.org", "a question that can wait")
        run.clock.advance(MINUTE_MS)
    traveller = await run.visitor(sub="7", name="Мария", email="maria@example.org", email_verified=True)
    await traveller.say("Помогите! Я за границей, мою карту заблокировали")

    # At the top of every console with the next event, and everybody sees why.
    newest = await run.newest()
    for console in consoles:
        await console.reached(newest)
        row = console.bodies()[-1].conversation
        assert row is not None
        assert (row.priority, row.priority_why) == ("urgent", "urgent word: заблокирована")
    for client in (olga, ivan):
        first = (await client.conversations("queue", None, 1)).items[0]
        assert (first.customer, first.priority) == ("Мария", "urgent")
    assert (await olga.counts()).queue == 21

    # Who she is was signed by the site: nobody asks her, for as long as the company says.
    await olga.claim(first.id, None)
    detail = await olga.detail(first.id)
    assert detail.ways[0].known_until == run.clock.now() + 30 * DAY_MS
    assert detail.stopped.known_until == run.clock.now() + 30 * DAY_MS
    assert detail.stopped.known_by
    assert detail.stopped.wants.startswith("Помогите!")
    await run.answer(olga, first.id, "We unblock it at once.")
    run.clock.advance(29 * DAY_MS)
    assert ((await olga.detail(first.id)).stopped.known_until or 0) > run.clock.now()
    assert [one["text"] for one in await traveller.read(2)][1] == "We unblock it at once."

    # A colleague takes over in the middle of it, and she repeats nothing.
    await ask(
        run, Conversation, "PATCH", f"/v1/conversations/{first.id}", summary="card 4417 blocked in Turkey",
        next_step="unblock and call back", due_at=run.clock.now() + 30 * MINUTE_MS,
    )  # fmt: skip
    colleague = next(one.id for one in await olga.operators() if one.name == "Ivan")
    note = "bank is informed, waits for its answer"
    await ask(
        run, Conversation, "POST", f"/v1/conversations/{first.id}/assign", operator_id=colleague, note=note
    )
    seen = await ivan.detail(first.id)
    assert (seen.stopped.wants, seen.stopped.acted, seen.stopped.acted_by) == (
        "card 4417 blocked in Turkey", "assigned", "Olga",
    )  # fmt: skip
    assert (seen.conversation.next_step, seen.conversation.due) == ("unblock and call back", False)
    assert seen.history.messages[-1].text == note
    assert seen.conversation.priority == "urgent"


async def test_a_chat_a_call_and_a_letter_are_one_case(mailed: Running, mail: RealMail) -> None:
    run = mailed
    olga = await run.client()
    console = await run.listen(IVAN)
    visitor = await run.visitor(sub="7", name="Пётр", email="petr@example.org", email_verified=True)
    await visitor.say("I cannot find the contract in my account. Call me, please")
    case = await only(olga)
    await olga.claim(case.id, None)
    await run.answer(olga, case.id, "I call you right now.")

    # The telephone system tells of the call that the operator makes from this conversation.
    call = {"direction": "out", "number": "8 916 123-45-67", "result": "answered", "duration_s": 125}
    await run.hook("", kind="call", conversation_id=case.id, call=call)
    # And of a second one that no machine knew of, she writes it down, while the chat is open.
    spoken = await ask(
        run, Message, "POST", "/v1/contacts", client_id="call-2", medium="phone", conversation_id=case.id,
        text="found the page together", duration_s=240, result="solved",
    )  # fmt: skip
    await visitor.say("I see it now")

    # What was said goes out as a letter, from the same conversation.
    detail = await olga.detail(case.id)
    letter = next(way for way in detail.ways if way.channel_id == "mail")
    assert (letter.label, detail.ways[0].channel_id) == ("petr@example.org", "site")
    command = run.command("As we said: the steps.", letter, detail.history.seq, subject="Your contract")
    await olga.reply(case.id, command)
    await run.settled()
    [sent] = mail.sent()
    assert (sent["To"], sent["Subject"]) == ("petr@example.org", "Your contract")
    body = sent.get_body(("plain",))
    assert body is not None and "As we said: the steps." in body.get_content()
    await mail.hear(run, "petr@example.org", "Thank you!", "Пётр", answered=sent)

    whole = await olga.detail(case.id)
    assert await only(olga) == whole.conversation
    assert {message.conversation_id for message in whole.history.messages} == {case.id}
    assert [(message.kind, message.mark, message.kind_of_event) for message in whole.history.messages] == [
        ("in", "w", "message"), ("out", "w", "message"), ("out", "c", "call"), ("in", "c", "call"),
        ("in", "w", "message"), ("out", "@", "message"), ("in", "@", "message"),
    ]  # fmt: skip
    assert whole.history.messages[3].id == spoken.id
    assert (spoken.author, spoken.detail["result"], spoken.detail["duration_s"]) == ("Olga", "solved", "240")
    # A colleague's console heard all of it, in that order.
    await console.reached(await run.newest())
    heard = [body.message.id for body in console.bodies() if body.message is not None]
    assert list(dict.fromkeys(heard)) == [message.id for message in whole.history.messages]


async def test_the_sanatorium(run: Running) -> None:
    """He had paid and was packing. Then the manager of January wrote: do you remember that you were
    interested? You have paid already? Send the payment slip!"""
    january, november = await run.client(), await run.client(IVAN)
    await run.letters.hear("guest@example.org", "What does a week in spring cost?", "Guest")
    asked = await only(january)
    await run.answer(january, asked.id, "1000 a night.")
    await january.close_conversation(asked.id, "price", "sent")
    run.clock.advance(80 * DAY_MS)

    # Another manager sells him the stay; the company's system records what he paid.
    await run.letters.hear("guest@example.org", "I take the week in May", "Guest")
    sold = await only(november)
    await run.answer(november, sold.id, "It is yours.")
    paid: dict[str, Any] = {
        "scheme": "email",
        "address": "guest@example.org",
        "title": "A week in May",
        "state": "paid",
    }
    await ask(run, Record, "PUT", "/v1/records/payment/P-77", amount="7000", currency="RUB", **paid)
    await run.letters.hear("other@example.org", "What does a week cost?", "Other")
    other = next(row for row in (await january.conversations("queue")).items if row.customer == "Other")
    await january.close_conversation(other.id, "price", "sent")
    await run.settled()
    before = len(run.letters.sent)

    # The manager of January goes through the list of those who were interested in spring.
    address = (await january.detail(asked.id)).customer.addresses[0].id
    guest = asked.customer_id
    offer: dict[str, Any] = {
        "client_id": "spring-1",
        "text": "Do you remember spring?",
        "channel_id": "mail",
        "address_id": address,
    }
    held = await refused(
        run, 409, "POST", f"/v1/customers/{guest}/first-message", purpose="marketing", **offer
    )
    assert held.code == "held"
    assert [one.kind for one in held.obstacles] == ["open_conversation", "colleague_wrote", "order"]
    assert "Ivan" in held.obstacles[0].text and held.obstacles[0].conversation_id == sold.id
    assert held.obstacles[1].text.startswith("Ivan wrote on")
    assert held.obstacles[2].text.startswith("payment P-77, A week in May, paid, 7000 RUB")
    text = "Dear {name}, do you remember spring?"
    people = [guest, other.customer_id]
    done = await ask(
        run, BulkDone, "POST", "/v1/bulk-messages", client_id="spring", text=text, purpose="marketing",
        customer_ids=people,
    )  # fmt: skip
    assert (done.queued, done.held) == (1, 1)
    assert [one.kind for one in done.outcomes[0].obstacles] == [
        "open_conversation",
        "colleague_wrote",
        "order",
    ]
    await run.settled()
    assert [(one.to, one.text) for one in run.letters.sent[before:]] == [
        ("other@example.org", "Dear Other, do you remember spring?")
    ]

    # Who has read why may write all the same; and to answer him needs no leave at all.
    seen = [one.kind for one in held.obstacles]
    await ask(run, Message, "POST", f"/v1/customers/{guest}/first-message", despite=seen, **offer)
    await run.letters.hear("guest@example.org", "When does the bus leave?", "Guest")
    await run.answer(november, sold.id, "At nine.")
    await run.settled()
    assert [one.text for one in run.letters.sent[before + 1 :]] == ["Do you remember spring?", "At nine."]

    # Who says no to such letters gets none, whatever anybody has seen.
    await ask(run, Customer, "PUT", f"/v1/customers/{guest}/consents", purpose="marketing", granted=False)
    never = await refused(
        run, 409, "POST", f"/v1/customers/{guest}/first-message", purpose="marketing",
        despite=[*seen, "consent"], **(offer | {"client_id": "spring-2"}),
    )  # fmt: skip
    assert [one.kind for one in never.obstacles if one.blocks] == ["consent"]


async def test_spam_in_the_morning(run: Running) -> None:
    """Forty offers came in the night; a real letter among them was marked too, and comes back."""
    olga = await run.client()
    for number in range(40):
        await run.letters.hear(f"offers{number}@casino.example", "You have won")
    await run.letters.hear("anna@example.org", "My parcel?", "Anna")
    rows = (await olga.conversations("queue", None, 100)).items
    ids = [row.id for row in rows]
    done = await ask(run, SpamDone, "POST", "/v1/spam", conversation_ids=ids)
    assert (len(done.conversation_ids), done.addresses_barred) == (41, 41)
    assert (await olga.counts()).queue == 0
    anna = next(row for row in rows if row.customer == "Anna")
    await ask(run, SpamDone, "POST", "/v1/spam", conversation_ids=[anna.id], spam=False)
    for number in range(40):
        await run.letters.hear(f"offers{number}@casino.example", "You have won again")
    await run.letters.hear("anna@example.org", "It is here now", "Anna")
    assert [row.customer for row in (await olga.conversations("all")).items] == ["Anna"]
    assert (await olga.counts()).spam == 40
