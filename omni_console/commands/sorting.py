"""`omni tag`, `priority`, `about`, `spam`: what conversations are about, and whether they are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.deciding import each, many
from omni_console.commands.errors import Code, CommandError
from omni_console.commands.output import json_option, print_json
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Conversation, Priority, SpamDone


@click.command()
@many
@click.option("--add", multiple=True, metavar="TAG", help="Put it on; as often as you like.")
@click.option("--remove", multiple=True, metavar="TAG", help="Take it off; as often as you like.")
@json_option
@at_server
def tag(
    server: Server, numbers: tuple[int, ...], add: tuple[str, ...], remove: tuple[str, ...], as_json: bool
) -> int:
    """Tags of conversations."""
    from server.protocol import CaseCommand

    if not add and not remove:
        raise CommandError("which tags?", hint="--add TAG, --remove TAG", code=Code.USAGE)

    async def deed(client: ServerClient, number: int) -> Conversation:
        kept = [one for one in (await client.detail(number)).conversation.tags if one not in remove]
        tags = [*kept, *(one for one in dict.fromkeys(add) if one not in kept)]
        return await client.people.case(number, CaseCommand(tags=tags))

    return each(server, numbers, deed, as_json=as_json)


@click.command()
@many
@click.option("--to", "level", required=True, type=click.Choice(["urgent", "high", "normal", "low"]))
@json_option
@at_server
def priority(server: Server, numbers: tuple[int, ...], level: Priority, as_json: bool) -> int:
    """How urgent conversations are; urgent work comes first in the lists."""
    from server.protocol import CaseCommand

    return each(
        server,
        numbers,
        lambda client, number: client.people.case(number, CaseCommand(priority=level)),
        as_json=as_json,
    )


@click.command()
@click.argument("number", metavar="CONVERSATION", type=click.IntRange(min=1))
@click.option("--topic", help="In a word or two; of an open conversation.")
@click.option("--wants", help="What the customer wants.")
@click.option("--next", "next_step", help="What was promised.")
@click.option("--until", help='Until when: "2h", "tomorrow 9:30"; "" for no time.')
@json_option
@at_server
def about(
    server: Server,
    number: int,
    topic: str | None,
    wants: str | None,
    next_step: str | None,
    until: str | None,
    as_json: bool,
) -> int:
    """What a conversation is about, the next step and until when."""
    from omni_console.due import parse_due
    from omni_console.timing import Clock
    from server.protocol import CaseCommand

    clock = Clock()
    if until and parse_due(until, clock) is None:
        raise CommandError(f"{until!r} is no time", hint='write "2h", or "tomorrow 9:30"', code=Code.USAGE)

    async def deed(client: ServerClient, number: int) -> Conversation:
        clock.set_by((await client.hello()).now)
        due_at = None if until is None else parse_due(until, clock) or 0
        command = CaseCommand(topic=topic, summary=wants, next_step=next_step, due_at=due_at)
        return await client.people.case(number, command)

    return each(server, (number,), deed, as_json=as_json)


@click.command()
@many
@click.option("--bar", is_flag=True, help="What the sender writes later is kept apart too.")
@click.option("--no", "back", is_flag=True, help="It is none: let it in again.")
@json_option
@at_server
def spam(server: Server, numbers: tuple[int, ...], bar: bool, back: bool, as_json: bool) -> None:
    """Keep conversations apart, all of them or none."""
    from server.protocol import SpamCommand

    async def work(client: ServerClient) -> SpamDone:
        command = SpamCommand(conversation_ids=list(dict.fromkeys(numbers)), spam=not back, bar=bar)
        return await client.people.spam(command)

    done = server.run(work)
    if as_json:
        print_json(done)
        return
    for number in done.conversation_ids:
        click.echo(f"{number}: {'let in again' if back else 'kept apart as spam'}")
    if done.addresses_barred:
        click.echo(f"{done.addresses_barred} addresses barred")
