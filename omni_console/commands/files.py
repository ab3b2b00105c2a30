"""`omni files`: files of messages, and messages as they came, out of the server onto this disk."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import unquote

import click

from omni_console.commands.errors import CommandError
from omni_console.commands.options import Options


@click.group()
def files() -> None:
    """Files that customers sent, and messages as they came.

    A file is saved under what is left of its sender's name: no path, nothing invisible, never over a file
    that is there already.
    """


@files.command()
@click.argument("file_id", metavar="FILE", type=click.IntRange(min=1))
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Into this folder.",
)
@click.option("--stdout", "as_bytes", is_flag=True, help="Write the bytes to standard output instead.")
@click.pass_obj
def get(options: Options, file_id: int, folder: Path, as_bytes: bool) -> int:
    """Save one file; its number stands in the API, in `omni console` and in exports."""
    from omni_console.commands.api import Api
    from omni_console.own_programs import save

    data, disposition = Api(options.socket_path()).download(f"/v1/files/{file_id}")
    if as_bytes:
        sys.stdout.buffer.write(data)
        return 0
    named = re.search(r"filename\*=UTF-8''([^;]*)", disposition)
    try:
        path = save(data, unquote(named[1]) if named else f"file-{file_id}", folder)
    except OSError as error:
        raise CommandError(
            f"the file cannot be written: {error.strerror}", where=str(folder), hint="name a folder: --to DIR"
        ) from error
    click.echo(str(path))
    return 0


@files.command()
@click.argument("message_id", metavar="MESSAGE", type=click.IntRange(min=1))
@click.pass_obj
def source(options: Options, message_id: int) -> int:
    """Write a message as it came (a mail with all its headers) to standard output, byte by byte."""
    from omni_console.commands.api import Api

    data, _ = Api(options.socket_path()).download(f"/v1/messages/{message_id}/source")
    if sys.stdout.isatty():
        from omni_console.own_programs import plain_source

        click.echo(plain_source(data))
    else:
        sys.stdout.buffer.write(data)
    return 0
