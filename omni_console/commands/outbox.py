"""`omni outbox`: replies that are not settled, and what an operator says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Message, Withdrawn

VERDICTS = {
    "arrived": "It arrived: nothing is sent again.",
    "again": "Send it again, as the same message.",
    "drop": "It did not arrive and need not: it stays in the history as failed.",
}


@click.group()
def outbox() -> None:
    """Replies that are held, scheduled, wait, failed, or whose result nobody knows.

    Held and scheduled ones can be withdrawn, or sent now. What is unknown was never sent again by itself:
    look at the channel, then say what became of it.
    """


@outbox.command(name="list")
@json_option
@click.pass_obj
def list_(options: Options, as_json: bool) -> int:
    """Everything that is not settled. Exit code 1 where something waits for a decision."""
    from omni_console.commands.api import Api
    from server.protocol import OutboxItem

    found = Api(options.socket_path()).get("/v1/outbox", list[OutboxItem])
    if as_json:
        print_json(found)
    elif not found:
        click.echo("every reply is settled")
    else:
        print_table(
            ("MESSAGE", "STATE", "CUSTOMER", "CHANNEL", "WRITTEN", "LEAVES", "TRIES", "WHY"),
            [
                (
                    str(item.message.id),
                    item.state,
                    item.customer,
                    item.message.channel_id,
                    moment(item.message.at),
                    "" if item.message.leaves_at is None else moment(item.message.leaves_at),
                    str(item.attempts),
                    item.error,
                )
                for item in found
            ],
        )
    return int(any(item.state in ("failed", "unknown") for item in found))


def _settle(verdict: str) -> click.Command:
    @click.command(name=verdict, help=VERDICTS[verdict])
    @click.argument("message_ids", metavar="MESSAGE…", type=click.IntRange(min=1), nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="Every reply that failed or is unknown.")
    @json_option
    @click.pass_obj
    def settle(options: Options, message_ids: tuple[int, ...], everything: bool, as_json: bool) -> int:
        from omni_console.commands.api import Api
        from server.protocol import SettleCommand, Settled

        if bool(message_ids) == everything:
            raise CommandError(
                "which replies?",
                where=f"omni outbox {verdict}",
                hint="name message numbers, or --all",
                code=Code.USAGE,
            )
        command = SettleCommand(verdict=verdict, message_ids=list(message_ids), all=everything)  # type: ignore[arg-type]
        settled = Api(options.socket_path()).post("/v1/outbox/settle", command, Settled)
        missing = sorted(set(message_ids) - set(settled.message_ids))
        if as_json:
            print_json(settled)
        else:
            click.echo(f"settled: {', '.join(map(str, settled.message_ids)) or 'nothing'}")
            if missing:
                click.echo(f"not waiting for a decision: {', '.join(map(str, missing))}", err=True)
        return int(bool(missing))

    return settle


@outbox.command()
@click.argument("message_ids", metavar="MESSAGE…", type=click.IntRange(min=1), nargs=-1, required=True)
@json_option
@at_server
def withdraw(server: Server, message_ids: tuple[int, ...], as_json: bool) -> None:
    """Take back replies that are held or scheduled: they are drafts of their authors again."""

    async def take_back(client: ServerClient) -> list[Withdrawn]:
        return [await client.withdraw(message_id) for message_id in message_ids]

    taken = server.run(take_back)
    if as_json:
        print_json(taken)
    else:
        for one in taken:
            click.echo(f"message {one.message.id} did not leave; it is a draft again")


@outbox.command()
@click.argument("message_ids", metavar="MESSAGE…", type=click.IntRange(min=1), nargs=-1, required=True)
@json_option
@at_server
def now(server: Server, message_ids: tuple[int, ...], as_json: bool) -> None:
    """Let replies that are held or scheduled leave now."""

    async def let_go(client: ServerClient) -> list[Message]:
        return [await client.leave(message_id) for message_id in message_ids]

    leaving = server.run(let_go)
    if as_json:
        print_json(leaving)
    else:
        for one in leaving:
            click.echo(f"message {one.id} leaves now")


for _verdict in VERDICTS:
    outbox.add_command(_settle(_verdict))
