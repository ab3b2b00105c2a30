"""`omni split`, `join`, `regroupings`: messages that are a case of their own, and two cases that are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Regrouped, Regrouping

one = click.argument("number", metavar="CONVERSATION", type=click.IntRange(min=1))


@click.command()
@one
@click.argument("messages", metavar="MESSAGE…", type=click.IntRange(min=1), nargs=-1, required=True)
@click.option("--subject", default="", help="What the new conversation is about.")
@json_option
@at_server
def split(server: Server, number: int, messages: tuple[int, ...], subject: str, as_json: bool) -> None:
    """Messages become a conversation of their own."""
    done = server.run(lambda client: client.people.split(number, messages, subject))
    _tell(done, number, f"{done.conversation_id} is a conversation of its own", as_json=as_json)


@click.command()
@one
@click.argument("other", metavar="OTHER", type=click.IntRange(min=1))
@json_option
@at_server
def join(server: Server, number: int, other: int, as_json: bool) -> None:
    """OTHER, a conversation of the same person, goes on in CONVERSATION."""
    done = server.run(lambda client: client.people.join(number, other))
    _tell(done, number, f"{done.conversation_id} is both now", as_json=as_json)


@click.command()
@one
@click.option("--undo", type=click.IntRange(min=1), metavar="NUMBER", help="Take this one back.")
@json_option
@at_server
def regroupings(server: Server, number: int, undo: int | None, as_json: bool) -> None:
    """What was split off or joined here; --undo takes one back."""
    if undo is not None:
        done = server.run(lambda client: client.people.undo_regrouping(undo))
        if as_json:
            print_json(done)
        else:
            click.echo(f"{undo} is taken back")
        return

    async def work(client: ServerClient) -> list[Regrouping]:
        return await client.people.regroupings(number)

    found = server.run(work)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            str(each.id),
            each.kind,
            f"{each.from_conversation} → {each.into_conversation}",
            each.by,
            moment(each.at),
        )
        for each in found
    ]
    print_table(("number", "kind", "from → into", "by", "at"), rows)


def _tell(done: Regrouped, number: int, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        click.echo(f"{said}; omni regroupings {number} --undo {done.regrouping_id} takes it back")
