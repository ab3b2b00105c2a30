"""`omni backup`: through the running server, or of its data directory while no server runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json, quiet_logs

if TYPE_CHECKING:
    from server.backup import Manifest

PATTERN = "omni-*.tar"  # what is kept and forgotten in a directory of backups
PIECE = 1024 * 1024
SILENCE_S = 900.0  # the copy is made and checked before the first byte comes


@click.command()
@click.argument("target", metavar="FILE|DIRECTORY|-", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), help="In a directory: keep this many, remove older ones.")
@json_option
@click.pass_obj
def backup(options: Options, target: Path, keep: int | None, as_json: bool) -> int:
    """Save the database and the customers' files in one archive, while the server works.

    In a DIRECTORY the archive is named by the time. "-" writes to the standard output. The configuration and
    the secrets that it refers to are not in it.
    """
    quiet_logs()
    if str(target) == "-":
        if keep or as_json:
            raise CommandError("--keep and --json need a file or a directory", code=Code.USAGE)
        if sys.stdout.isatty():
            raise CommandError("an archive is not for a terminal", hint="omni backup - | …", code=Code.USAGE)
        _fetch(options, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return Code.OK
    folder = target if target.is_dir() else None
    if keep and folder is None:
        raise CommandError(
            "--keep needs a directory that is there",
            where=str(target),
            hint=f"mkdir -m 700 {target}",
            code=Code.USAGE,
        )
    path = target if folder is None else folder / time.strftime("omni-%Y%m%dT%H%M%SZ.tar", time.gmtime())
    manifest = _save(options, path.absolute())
    if folder is not None and keep:
        for old in sorted(folder.glob(PATTERN))[:-keep]:
            old.unlink()
    _tell(path, manifest, as_json)
    return Code.NOT_OK if manifest.absent else Code.OK


def _save(options: Options, path: Path) -> Manifest:
    """Fetch, read back and check, and only then give it its name."""
    from server.restore import verify
    from server.store.switch import sync

    if path.exists():
        raise CommandError("it exists already", where=str(path), hint="choose another name", code=Code.USAGE)
    if not path.parent.is_dir():
        raise CommandError("there is no such directory", where=str(path.parent), code=Code.USAGE)
    with _temporary(path) as (partial, file):
        _fetch(options, file)
        file.flush()
        os.fsync(file.fileno())
        with open(partial, "rb") as again:
            manifest = verify(again)
        partial.rename(path)
        sync(path.parent)
    return manifest


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            yield partial, file
    finally:
        partial.unlink(missing_ok=True)


def _fetch(options: Options, out: IO[bytes]) -> None:
    """The archive of the running server; where none runs, of the data directory, under its lock."""
    from omni_console.commands.api import AwayError

    try:
        asyncio.run(_download(options.socket_path(), out))
    except AwayError as away:
        if options.socket is not None:
            raise  # a server that was named is meant, and no other
        from server.tables import ConfigError

        try:
            data_dir = options.server().data_dir
        except ConfigError:
            raise away from None
        _make(data_dir, out)


def _make(data_dir: Path, out: IO[bytes]) -> None:
    from server.backup import Backup
    from server.clock import SystemClock
    from server.lock import DataLock
    from server.store import offline, switch
    from server.version import product_version

    if not (data_dir / offline.DATABASE).is_file() and not (data_dir / switch.READY).is_dir():
        raise CommandError(
            "there is no database", where=str(data_dir), hint="omni init makes it", code=Code.AWAY
        )
    only_its_owner(data_dir, "backup")
    with DataLock(data_dir), contextlib.closing(Backup(data_dir)) as made:
        switch.finish(data_dir)
        made.prepare()
        made.write(out, product_version(), SystemClock().now())


def only_its_owner(data_dir: Path, command: str) -> None:
    """Files that root makes there, the server could not open any more. Raises CommandError."""
    owner = data_dir.stat().st_uid
    if owner == os.geteuid():
        return
    import pwd

    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    raise CommandError(
        f"it belongs to {name}",
        where=str(data_dir),
        hint=f"run it as that account: sudo -u {name} omni {command} …",
        code=Code.REFUSED,
    )


async def _download(socket: Path, out: IO[bytes]) -> None:
    """Raises AwayError, or CommandError with what the server said."""
    import aiohttp

    from omni_console.commands.api import AwayError, not_connected, refusal
    from server.protocol import PROTOCOL

    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(socket)),
                timeout=aiohttp.ClientTimeout(total=None, sock_read=SILENCE_S),
            ) as session,
            session.post("http://omni/v1/backup", headers={"Omni-Protocol": str(PROTOCOL)}) as answer,
        ):
            if answer.status != 200:
                raise refusal(socket, answer.status, await answer.read())
            try:
                async for piece in answer.content.iter_chunked(PIECE):
                    out.write(piece)
            except aiohttp.ClientError as error:
                raise CommandError(
                    "the server broke the backup off",
                    where=str(socket),
                    hint="its log says why; nothing was kept of it",
                ) from error
    except TimeoutError as error:
        raise CommandError(f"nothing came for {SILENCE_S:g} s", where=str(socket)) from error
    except aiohttp.ClientConnectorError as error:
        raise not_connected(socket, error.os_error) from error
    except aiohttp.ClientError as error:
        raise AwayError(socket, f"the connection broke ({type(error).__name__})") from error


def _tell(path: Path, manifest: Manifest, as_json: bool) -> None:
    size = path.stat().st_size
    if as_json:
        print_json(
            {
                "file": str(path),
                "bytes": size,
                "created_at": manifest.created_at,
                "schema": manifest.schema,
                "newest_seq": manifest.newest_seq,
                "counts": manifest.counts,
                "files": len(manifest.files),
                "absent": manifest.absent,
            }
        )
    else:
        click.echo(f"{path}: {described(manifest)}, {size / 2**20:,.1f} MiB, read back and checked")
    if manifest.absent:
        click.echo(
            f"omni: {len(manifest.absent)} files of customers are missing or damaged on the server's disk;"
            " the backup holds everything else",
            err=True,
        )


def described(manifest: Manifest) -> str:
    counts = manifest.counts
    return (
        f"{counts.get('message', 0):,} messages of {counts.get('customer', 0):,} customers,"
        f" {len(manifest.files):,} files, up to event {manifest.newest_seq:,}"
    )
