"""`omni contact`: a call, a visit, a letter on paper, written down where no machine was listening."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click

from omni_console.commands.answering import id_option, text_option, words
from omni_console.commands.errors import Code, CommandError
from omni_console.commands.output import json_option, print_json
from omni_console.commands.reach import Server, at_server
from omni_console.contact_ways import CONTACT_WAYS

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Message


@click.command()
@click.argument("way", type=click.Choice([name.replace(" ", "-") for name in CONTACT_WAYS]))
@click.argument("conversation", type=click.IntRange(min=1), required=False)
@click.option("--of", "customer", type=click.IntRange(min=1), metavar="CUSTOMER", help="Or: of this person.")
@click.option("--name", default="", help="Or: of somebody new with this name.")
@click.option("--phone", default="", help="Of somebody new: where he can be called back.")
@text_option
@click.option("--result", default="", help="What came of it.")
@click.option("--when", help='If not just now: "10m" (ago), "14:00", "yesterday 14:00".')
@click.option("--minutes", type=click.IntRange(0, 1440), help="How long it took.")
@id_option
@json_option
@at_server
def contact(
    server: Server,
    way: str,
    conversation: int | None,
    customer: int | None,
    name: str,
    phone: str,
    text: str | None,
    result: str,
    when: str | None,
    minutes: int | None,
    client_id: str | None,
    as_json: bool,
) -> None:
    """Write a contact down: with whom, and what was said.

    It stands in the history like a message, and wakes nobody: whoever waits for an answer still does.
    """
    from omni_console.due import parse_past
    from omni_console.timing import Clock
    from server.protocol import HandContact

    if (conversation is not None) + (customer is not None) + bool(name or phone) != 1:
        hint = "one of: a CONVERSATION, --of CUSTOMER, --name and --phone of somebody new"
        raise CommandError("whose contact is it?", hint=hint, code=Code.USAGE)
    clock = Clock()
    if when is not None and parse_past(when, clock) is None:
        hint = "write 10m, 14:00, yesterday 14:00"
        raise CommandError(f"{when!r} is no time", hint=hint, code=Code.USAGE)
    kind = CONTACT_WAYS[way.replace("-", " ")]
    command = HandContact(
        client_id=client_id or str(uuid.uuid4()),
        medium=kind.medium,
        from_customer=kind.from_customer,
        text=words(text),
        result=result,
        conversation_id=conversation,
        customer_id=customer,
        name=name,
        phone=phone,
        duration_s=None if minutes is None else minutes * 60,
    )

    async def work(client: ServerClient) -> Message:
        if when is not None:
            clock.set_by((await client.hello()).now)
            command.at = parse_past(when, clock)
        return await client.people.contact(command)

    made = server.run(work, client_id=command.client_id)
    if as_json:
        print_json(made)
    else:
        click.echo(f"written down as message {made.id} of conversation {made.conversation_id}")
