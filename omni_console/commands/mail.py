"""`omni mail`: what became of every mail, and mail that did not come by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table
from server.protocol import Archived, BoxLedger, ChannelInfo, Imported, JournalItem

if TYPE_CHECKING:
    from omni_console.commands.api import Api

LEDGER_S = 600.0  # a mailbox of years is gone through mail by mail
FETCH_S = 180.0
KIND = "email"


@click.group()
def mail() -> None:
    """Every mail accounted for: the ledger, the quarantine, and the import of archives."""


def _mailboxes(api: Api, named: str | None) -> list[str]:
    """Ids of the mailboxes meant. Raises CommandError where there is none of that name."""
    there = [one.id for one in api.get("/v1/channels", list[ChannelInfo]) if one.kind == KIND]
    if named is None and there:
        return there
    if named in there:
        return [named]
    raise CommandError(
        f"there is no mailbox {named!r}" if named else "no mailbox is configured",
        hint=f"mailboxes: {', '.join(there) or 'none'}",
        code=Code.USAGE,
    )


# --- test -----------------------------------------------------------------------------------------------


@mail.command()
@click.option("--channel", help="One mailbox; all of them if not given.")
@click.pass_obj
def test(options: Options, channel: str | None) -> int:
    """Log in to both servers, send a mail to ourselves, and watch it arrive. No server need run."""
    from channels.email.settings import EmailSettings
    from omni_console.commands.mailbox_test import try_and_tell

    found = {
        name: settings
        for name, settings in options.load().channels.items()
        if isinstance(settings, EmailSettings) and channel in (None, name)
    }
    if not found:
        raise CommandError("no such mailbox is configured", code=Code.USAGE)
    well = True
    for name, settings in found.items():
        click.echo(f"{name} ({settings.address})")
        well = try_and_tell(settings) and well
    return int(not well)


# --- ledger -------------------------------------------------------------------------------------------


@mail.command()
@click.option("--channel", help="One mailbox; all of them if not given.")
@json_option
@click.pass_obj
def ledger(options: Options, channel: str | None, as_json: bool) -> int:
    """Compare every mail on the server with what was taken. Exit code 1 where one is unaccounted for."""
    from omni_console.commands.api import Api

    api = Api(options.socket_path(), LEDGER_S)
    found = {one: api.get(f"/v1/channels/{one}/ledger", list[BoxLedger]) for one in _mailboxes(api, channel)}
    missing = sum(len(box.unaccounted) for boxes in found.values() for box in boxes)
    unseen = [box for boxes in found.values() for box in boxes if box.problem]
    if as_json:
        print_json({"mailboxes": found, "unaccounted": missing})
        return int(bool(missing or unseen))
    head = (
        "MAILBOX",
        "FOLDER",
        "ON SERVER",
        "TAKEN",
        "WAITING",
        "QUARANTINE",
        "BEFORE US",
        "ARRIVING",
        "GONE",
    )
    print_table(
        (*head, ""),
        [
            (
                name,
                box.box,
                *(str(count) for count in (box.kept, box.taken, box.waiting, box.quarantined)),
                *(str(count) for count in (box.before, box.arriving, box.gone)),
                box.problem,
            )
            for name, boxes in found.items()
            for box in boxes
        ],
    )
    for name, boxes in found.items():
        for box in boxes:
            for one in box.unaccounted:
                click.echo(f"{name}, {box.box}, UID {one.number} (UIDVALIDITY {box.epoch}): {one.why}")
    click.echo(f"{missing} unaccounted")
    return int(bool(missing or unseen))


# --- quarantine ---------------------------------------------------------------------------------------


@mail.group()
def quarantine() -> None:
    """Mail that was not taken in as it came: too big, unparseable, a mail of our own that came back."""


@quarantine.command(name="list")
@json_option
@click.pass_obj
def list_(options: Options, as_json: bool) -> None:
    """What is in quarantine; the newest 200."""
    from omni_console.commands.api import Api

    found = Api(options.socket_path()).get("/v1/journal?state=quarantined", list[JournalItem])
    if as_json:
        print_json(found)
    elif not found:
        click.echo("nothing is in quarantine")
    else:
        print_table(
            ("NUMBER", "MAILBOX", "RECEIVED", "BYTES", "WHY"),
            [
                (str(item.id), item.channel_id, moment(item.received_at), str(item.size), item.error)
                for item in found
            ],
        )


@quarantine.command(name="open")
@click.argument("number", type=click.IntRange(min=1))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A new file to write to."
)
@click.pass_obj
def open_(options: Options, number: int, output: Path | None) -> None:
    """Write the raw mail to a file or to stdout. One that was too big is fetched from its server."""
    from omni_console.commands.api import Api

    out = sys.stdout.buffer
    if output is None and out.isatty():
        raise CommandError(
            "a raw mail may hold anything, and a terminal obeys some of it",
            hint=f"omni mail quarantine open {number} -o FILE, or: … open {number} | less",
            code=Code.USAGE,
        )
    if output is not None and output.exists():
        raise CommandError("there is such a file already", where=str(output), hint="name another")
    data = Api(options.socket_path(), FETCH_S).fetch(f"/v1/journal/{number}/raw")
    if output is None:
        out.write(data)
        out.flush()
        return
    with open(output, "xb") as file:
        file.write(data)
    click.echo(f"{len(data)} bytes written to {output}")


@quarantine.command(name="import")
@click.argument("number", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def import_one(options: Options, number: int, as_json: bool) -> None:
    """Take a mail of the quarantine in after all."""
    from omni_console.commands.api import Api

    done = Api(options.socket_path(), FETCH_S).post(f"/v1/journal/{number}/import", None, Imported)
    if as_json:
        print_json(done)
    else:
        click.echo(f"mail {number} is message {done.message_id} of conversation {done.conversation_id}")


# --- archives -----------------------------------------------------------------------------------------


@mail.command(name="import")
@click.argument("kind", type=click.Choice(["mbox", "maildir", "eml"]))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--channel", help="The mailbox whose history it is; needed where there are several.")
@json_option
@click.pass_obj
def import_(options: Options, kind: str, path: Path, channel: str | None, as_json: bool) -> int:
    """Bring history in. What is here already stays as it is: running it twice changes nothing.

    Old conversations are not reopened, nobody is told, and nobody waits for an answer.
    """
    from omni_console.commands.api import Api
    from omni_console.mail_archive import ArchiveError, batches, found_in

    api = Api(options.socket_path(), LEDGER_S)
    mailboxes = _mailboxes(api, channel)
    if len(mailboxes) > 1:
        raise CommandError("whose history is it?", hint=f"--channel {' | '.join(mailboxes)}", code=Code.USAGE)
    try:
        entries = found_in(kind, path)
    except ArchiveError as error:
        raise CommandError(str(error), where=str(path), hint=error.hint, code=Code.USAGE) from error
    new = known = 0
    too_big: list[str] = []
    for batch in batches(entries, too_big):
        done = api.send(f"/v1/channels/{mailboxes[0]}/archive", batch, Archived)
        new += done.new
        known += done.known
        if not as_json:
            click.echo(f"\r{new + known} of {len(entries)}", nl=False, err=True)
    if as_json:
        print_json({"found": len(entries), "new": new, "known": known, "too_big": too_big})
    else:
        click.echo("", err=True)
        click.echo(f"{len(entries)} mails found: {new} brought in, {known} were here already")
        for name in too_big:
            click.echo(f"left out, larger than the server takes: {name}")
    return int(bool(too_big))
