"""`omni reply` and `omni note`: words that leave, from a script or a pipe."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_option, moment, print_json
from omni_console.commands.reach import Server, at_server, refused

if TYPE_CHECKING:
    from omni_console.client import RefusedError, ServerClient
    from server.protocol import ConversationDetail, Message, ReplyWay

text_option = click.option(
    "-m", "--message", "text", help="The words; else standard input is read to its end."
)
id_option = click.option(
    "--id", "client_id", help="A name of yours for this: the same again is never done twice."
)


@click.command()
@click.argument("conversation", type=click.IntRange(min=1))
@text_option
@click.option("--by", "channel", help="The channel; else the way that the console would take.")
@click.option(
    "--template", "code", help="The text kept ready under this short code, instead of one of your own."
)
@click.option(
    "--attach",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of this host; several times for several.",
)
@click.option("--subject", help="A subject of its own, where the channel has such.")
@click.option(
    "--after-seq",
    type=click.IntRange(min=0),
    help="The newest event you have read; else what counts as read (omni show).",
)
@click.option("--at", "when", help="Send it then: 2h, tomorrow 9:00, mon 10:00, by the clock of this host.")
@click.option("--keep", is_flag=True, help="With --at: even if the customer writes before.")
@click.option("--now", "at_once", is_flag=True, help="Without the moment in which it can be taken back.")
@click.option(
    "--consent", is_flag=True, help="Send it whatever came meanwhile, and whatever the card knows already."
)
@id_option
@json_option
@at_server
def reply(
    server: Server,
    conversation: int,
    text: str | None,
    channel: str | None,
    code: str | None,
    files: tuple[Path, ...],
    subject: str | None,
    after_seq: int | None,
    when: str | None,
    keep: bool,
    at_once: bool,
    consent: bool,
    client_id: str | None,
    as_json: bool,
) -> int:
    """Answer the customer.

    It leaves after a moment in which omni outbox withdraw takes it back, or at once with --now, or later with
    --at; then it comes back as a draft if the customer writes before.

    It is held, not sent, when a colleague answered (by e-mail also: when the customer wrote) after what you
    have read: exit code 1, and what came is printed. Read it, then send again with the --after-seq that is
    told, or with --consent. So it is when a template asks for what the card knows: that is printed.
    """
    from omni_console.client import RefusedError
    from server.protocol import ReplyCommand

    if code is not None and text is not None:
        raise CommandError("-m and --template are two texts", hint="give one", code=Code.USAGE)
    said = words(text, may_be_empty=bool(files)) if code is None else ""
    name = client_id or str(uuid.uuid4())
    at = _moment(when) if when is not None else None
    if keep and at is None:
        raise CommandError("--keep is for --at", hint="say when: --at 'tomorrow 9:00'", code=Code.USAGE)

    async def send(client: ServerClient) -> tuple[ReplyWay, Message | RefusedError]:
        detail = await client.detail(conversation)
        way = _way(detail, channel)
        command = ReplyCommand(
            client_id=name,
            text=said
            if code is None
            else await _ready(client, conversation, way.channel_id, code, consent=consent),
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=detail.conversation.seen_seq if after_seq is None else after_seq,
            subject=subject,
            hold=not at_once,
            at=at,
            keep=keep,
            upload_ids=[
                (await client.put_up(conversation, file.name, file.read_bytes())).id for file in files
            ],
        )
        try:
            return way, await client.reply(conversation, command)
        except RefusedError as error:
            if error.body.code != "stale":
                raise
            if not consent:
                return way, error
            command.after_seq = error.body.seq
            return way, await client.reply(conversation, command)

    way, outcome = server.run(send, client_id=name)
    if isinstance(outcome, RefusedError):
        return _held(server, outcome, as_json=as_json)
    _tell(outcome, way if channel is None else None, as_json=as_json)
    return 0


def _held(server: Server, error: RefusedError, *, as_json: bool) -> int:
    from omni_console.commands import spoken
    from server.protocol import ErrorAnswer

    if as_json:
        print_json(ErrorAnswer(error=error.body))
    else:
        click.echo("not sent: this came meanwhile")
        for one in error.body.news:
            for line in spoken.message(one):
                click.echo(line)
    problem = refused(error.body, server.where)
    problem.hint = f"send it again with --after-seq {error.body.seq} if it is right all the same"
    raise problem


def _moment(text: str) -> int:
    """UTC ms of a time as people type it. Raises CommandError."""
    from omni_console.due import parse_due
    from omni_console.timing import Clock

    at = parse_due(text, Clock())
    if at is None:
        raise CommandError(
            f"{text!r} is no time",
            hint="write 2h, 14:00, tomorrow 9:00, mon 10:00, 25.11 9:30",
            code=Code.USAGE,
        )
    return at


async def _ready(client: ServerClient, conversation: int, channel: str, code: str, *, consent: bool) -> str:
    """A template's text for this person. Raises CommandError, also where it asks for what is known."""
    for template in await client.templates.filled(conversation, channel, code):
        if template.code != code.casefold():
            continue
        if template.known and not consent:
            known = ", ".join(f"{name}: {value}" for name, value in template.known.items())
            raise CommandError(
                f"{template.code} asks for what the card knows: {known}",
                hint="write without that question, or send it with --consent",
            )
        return template.text
    raise CommandError(
        f"there is no template {code} for {channel}", hint="omni templates list says which there are"
    )


def _way(detail: ConversationDetail, channel: str | None) -> ReplyWay:
    """Raises CommandError."""
    for way in detail.ways:
        if channel is None or way.channel_id == channel:
            return way
    known = ", ".join(way.channel_id for way in detail.ways)
    raise CommandError(
        "there is no way to answer this customer" + (f" by {channel}" if channel else ""),
        where=f"conversation {detail.conversation.id}",
        hint=f"there is: {known}" if known else "only a verified address can be written to",
    )


@click.command()
@click.argument("conversation", type=click.IntRange(min=1))
@text_option
@id_option
@json_option
@at_server
def note(server: Server, conversation: int, text: str | None, client_id: str | None, as_json: bool) -> None:
    """Write a private note; the customer does not see it."""
    from server.protocol import NoteCommand

    command = NoteCommand(client_id=client_id or str(uuid.uuid4()), text=words(text))
    made = server.run(lambda client: client.note(conversation, command), client_id=command.client_id)
    _tell(made, as_json=as_json)


def _tell(message: Message, way: ReplyWay | None = None, *, as_json: bool) -> None:
    """`way`: that the rule chose, where nobody else did."""
    if as_json:
        print_json(message)
    else:
        done = "kept" if message.kind == "note" else message.status
        waits = message.leaves_at is not None and message.leaves_at > message.at
        later = f", leaves {moment(message.leaves_at)}" if waits else ""
        back = f"; omni outbox withdraw {message.id} takes it back" if later else ""
        by = f" by {plain(way.channel_title)} ({way.why})" if way is not None else ""
        click.echo(f"message {message.id} {done}{by}{later}{back}")


def words(text: str | None, *, may_be_empty: bool = False) -> str:
    """What was given, or standard input to its end. Raises CommandError."""
    if text is None and may_be_empty and sys.stdin.isatty():
        return ""
    if text is None:
        if sys.stdin.isatty():
            click.echo("write, then ctrl+d on a line of its own", err=True)
        try:
            text = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError as error:
            raise CommandError(
                "the text is not UTF-8",
                where="standard input",
                hint="convert it: iconv -t utf-8",
                code=Code.USAGE,
            ) from error
    text = text.replace("\r\n", "\n").strip("\n")
    if not text.strip() and not may_be_empty:
        raise CommandError("there is nothing to send", hint="-m TEXT, or standard input", code=Code.USAGE)
    return text
