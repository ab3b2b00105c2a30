"""`omni code` and `omni continue`: a person shows that an address is his, or goes on somewhere else."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click

from omni_console.commands.answering import id_option
from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_option, moment, print_json
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Address, ChannelInfo, CodeMade

here = click.argument("conversation", type=click.IntRange(min=1))
to_help = "An address on his card, by its number or as it is written."


@click.group()
def code() -> None:
    """Six digits go to an address; whoever tells them in the conversation has shown that it is his."""


@code.command()
@here
@click.option("--to", "wanted", required=True, help=to_help)
@click.option("--by", "channel", help="The channel; needed only where several reach that address.")
@click.option("--consent", is_flag=True, help="Ask him even if a channel shows who he is.")
@id_option
@json_option
@at_server
def ask(
    server: Server,
    conversation: int,
    wanted: str,
    channel: str | None,
    consent: bool,
    client_id: str | None,
    as_json: bool,
) -> None:
    """Send a code. Nobody here sees it; the customer tells it in his chat, or you try what he told.

    Who showed on a channel who he is is not asked again for a while: exit code 1, and until when is printed.
    """
    from omni_console.client import RefusedError
    from server.protocol import CodeCommand

    name = client_id or str(uuid.uuid4())

    async def work(client: ServerClient) -> tuple[CodeMade, Address]:
        address = await _address(client, conversation, wanted)
        way = await _reaches(client, address, channel)
        command = CodeCommand(
            kind="digits", channel_id=way.id, address_id=address.id, client_id=name, again=consent
        )
        try:
            return await client.people.make_code(conversation, command), address
        except RefusedError as error:
            if error.body.code == "known":
                error.body.hint = "ask him with --consent if it is right all the same"
            raise

    made, address = server.run(work, client_id=name)
    if as_json:
        print_json(made)
    else:
        until = moment(made.expires_at)
        click.echo(plain(f"code {made.id} goes to {address.label}, valid until {until}"))
        click.echo(f"omni code try {made.id} DIGITS says whether what he told is right")


@code.command(name="try")
@click.argument("number", metavar="CODE", type=click.IntRange(min=1))
@click.argument("digits")
@json_option
@at_server
def try_(server: Server, number: int, digits: str, as_json: bool) -> int:
    """The six digits that he told. Exit code 1 where they are wrong."""
    if sum(char.isdecimal() for char in digits) != 6:
        raise CommandError("a code has six digits", code=Code.USAGE)
    tried = server.run(lambda client: client.people.try_code(number, digits))
    if as_json:
        print_json(tried)
    elif tried.right:
        click.echo(f"right: the address is verified; it is customer {tried.customer_id}")
    else:
        click.echo(f"wrong; tries left: {tried.tries_left}")
    return int(not tried.right)


@click.command(name="continue")
@here
@click.option("--by", "channel", required=True, help="The channel to go on with.")
@click.option("--to", "wanted", help=to_help + " Where no link of the channel's own leads to it.")
@click.option("--print", "alone", is_flag=True, help="Print the link instead of sending it.")
@id_option
@json_option
@at_server
def continue_(
    server: Server,
    conversation: int,
    channel: str,
    wanted: str | None,
    alone: bool,
    client_id: str | None,
    as_json: bool,
) -> None:
    """A link with which the customer goes on with this conversation on another channel."""
    from server.protocol import CodeCommand

    name = client_id or str(uuid.uuid4())

    async def work(client: ServerClient) -> CodeMade:
        address = None if wanted is None else await _address(client, conversation, wanted)
        command = CodeCommand(
            kind="link",
            channel_id=channel,
            client_id=name,
            address_id=None if address is None else address.id,
            send=not alone,
        )
        return await client.people.make_code(conversation, command)

    made = server.run(work, client_id="" if alone else name)
    if as_json:
        print_json(made)
    elif alone:
        click.echo(plain(made.url))
    else:
        until = moment(made.expires_at)
        click.echo(plain(f"message {made.message_id}: a link that leads to {channel}, valid until {until}"))


async def _address(client: ServerClient, conversation: int, wanted: str) -> Address:
    """Raises CommandError."""
    customer_id = (await client.detail(conversation)).conversation.customer_id
    known = (await client.customer(customer_id)).addresses
    for one in known:
        if wanted == str(one.id) or wanted.casefold() in (one.external_id.casefold(), one.label.casefold()):
            return one
    hint = f"omni people show {customer_id} has them; omni people address {customer_id} notes one"
    raise CommandError(f"{wanted} is no address of this customer", hint=hint)


async def _reaches(client: ServerClient, address: Address, channel: str | None) -> ChannelInfo:
    """Raises CommandError."""
    from omni_console.reaching import channels_to

    reach = channels_to(address, await client.channels())
    ways = [one for one in reach if channel in (None, one.id)]
    if len(ways) == 1:
        return ways[0]
    if not ways:
        by = f"{channel} cannot" if channel else "no channel here can"
        raise CommandError(f"{by} bring a code to {address.label}", hint="choose another address of his")
    names = ", ".join(one.id for one in ways)
    raise CommandError("by which channel?", hint=f"name one with --by: {names}", code=Code.USAGE)
