"""`omni forward`: a message goes to somebody else."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click

from omni_console.commands.answering import id_option, words
from omni_console.commands.errors import Code, CommandError
from omni_console.commands.output import json_option, moment, print_json
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Addressee, Message


@click.command()
@click.argument("message", type=click.IntRange(min=1))
@click.option("--to", multiple=True, required=True, help="An address, or NAME <ADDRESS>; several.")
@click.option("--cc", multiple=True, help="Who gets a copy; several.")
@click.option("-m", "--message", "text", default="", help="What to say above it; - reads standard input.")
@click.option("--by", "channel", help="The channel; needed only where several send e-mail.")
@click.option("--file", "files", type=click.IntRange(min=1), multiple=True, help="Only these files of it.")
@click.option("--no-files", is_flag=True, help="Without its files.")
@click.option("--hold", is_flag=True, help="It waits a moment first: omni outbox withdraw takes it back.")
@id_option
@json_option
@at_server
def forward(
    server: Server,
    message: int,
    to: tuple[str, ...],
    cc: tuple[str, ...],
    text: str,
    channel: str | None,
    files: tuple[int, ...],
    no_files: bool,
    hold: bool,
    client_id: str | None,
    as_json: bool,
) -> None:
    """Send a message on to somebody else, with its files. What he answers gets a conversation of its own."""
    from server.protocol import ForwardCommand

    if files and no_files:
        raise CommandError("--file and --no-files exclude each other", hint="give one", code=Code.USAGE)
    command = ForwardCommand(
        client_id=client_id or str(uuid.uuid4()),
        channel_id=channel or "",
        to=_addressees(to),
        cc=_addressees(cc),
        text=words(None) if text == "-" else text,
        file_ids=list(files) if files or no_files else None,
        hold=hold,
    )

    async def work(client: ServerClient) -> Message:
        if not command.channel_id:
            command.channel_id = await _channel(client)
        return await client.forward(message, command)

    sent = server.run(work, client_id=command.client_id)
    if as_json:
        print_json(sent)
    elif sent.leaves_at is not None:
        click.echo(
            f"message {sent.id} leaves {moment(sent.leaves_at)}: omni outbox withdraw {sent.id} takes it back"
        )
    else:
        click.echo(
            f"message {sent.id} {sent.status}: what is answered is conversation {sent.conversation_id}"
        )


def _addressees(lines: tuple[str, ...]) -> list[Addressee]:
    """Raises CommandError."""
    from omni_console.addressees import AddresseeError, read

    try:
        return list(read(", ".join(lines), ()))
    except AddresseeError as error:
        hint = "write anna@example.org, or Anna <anna@example.org>"
        raise CommandError(f"{str(error)!r} is no address", hint=hint, code=Code.USAGE) from error


async def _channel(client: ServerClient) -> str:
    """Raises CommandError."""
    known = [one.id for one in await client.channels() if one.begins == "email"]
    if len(known) == 1:
        return known[0]
    if not known:
        raise CommandError(
            "no channel here forwards messages", hint="only e-mail can: docs/channels/email.md"
        )
    raise CommandError("by which channel?", hint=f"name one with --by: {', '.join(known)}", code=Code.USAGE)
