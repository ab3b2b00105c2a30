"""`omni inspect mail`: what is read in a mail that somebody has as a file."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from channels.email.mail import Mail

MAX_FILE = 200 * 1024 * 1024


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--address", default="", help="Our own address: by it loops and our own groups are known.")
def mail(files: tuple[Path, ...], address: str) -> None:
    """Read raw mails: one JSON object a FILE, on a line of its own.

    Needs neither configuration nor server. What cannot be read is told in "problems"; the exit code is 0.
    """
    import msgspec

    from channels.email.addresses import canonical
    from channels.email.charset import whole
    from omni_console.commands.output import quiet_logs

    quiet_logs()
    for file in files:
        shown = described(file, canonical(address))
        # A file's name may hold bytes that are no text.
        shown["file"] = whole(str(file).encode("utf-8", "replace").decode("utf-8"))
        click.echo(msgspec.json.encode(shown).decode())


def described(file: Path, own: str) -> dict[str, Any]:
    """The object of one file, whatever is in it; also for a file that is none."""
    from channels.email.mail import Mail, read_mail

    try:
        if file.is_file() and file.stat().st_size > MAX_FILE:
            return _object(file, Mail(problems=[f"the file is bigger than {MAX_FILE >> 20} MiB"]))
        return _object(file, read_mail(file.read_bytes(), own))
    except OSError as error:
        return _object(file, Mail(problems=[f"the file cannot be read: {error.strerror or error}"]))


def _object(file: Path, mail: Mail) -> dict[str, Any]:
    from channels.folds import unfolded

    text = mail.content.text
    first = mail.bounces[0] if mail.bounces else None
    return {
        "file": str(file),
        "subject": mail.subject,
        "from": _named(mail.author) if mail.author is not None else None,
        "to": [_named(one) for one in mail.to],
        "cc": [_named(one) for one in mail.cc],
        "reply_to": [_named(one) for one in mail.reply_to],
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": mail.references,
        "date": _date(mail.date_ms),
        "text": text,
        "new_text": unfolded(text, mail.folds),
        "folds": [{"kind": one.kind, "start": one.start, "end": one.end} for one in mail.folds],
        "attachments": [
            {
                "name": one.name,
                "content_type": one.content_type,
                "size": len(one.data) if one.data is not None else 0,
                "sha256": hashlib.sha256(one.data or b"").hexdigest(),
                "inline": one.inline,
            }
            for one in mail.content.attachments
        ],
        "automatic": mail.verdict.kind if mail.verdict is not None else None,
        "bounce": {
            "action": first.action,
            "status": first.status,
            "recipient": first.recipient,
            "original_message_id": first.original_message_id,
        }
        if first is not None
        else None,
        "problems": mail.problems,
    }


def _named(one: Any) -> dict[str, str]:
    return {"name": one.name, "address": one.address}


def _date(milliseconds: int | None) -> str | None:
    """UTC, as RFC 3339 has it."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
