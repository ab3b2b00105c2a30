"""`omni restore`: put a backup in the place of a data directory, while no server runs on it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from omni_console.commands.backup import described, only_its_owner
from omni_console.commands.errors import CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, quiet_logs

if TYPE_CHECKING:
    from server.backup import Manifest
    from server.restore import Restored


@click.command()
@click.argument("source", metavar="FILE|-", type=click.Path(path_type=Path))
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where to; server.data_dir if it is not given."
)
@click.option("--replace", is_flag=True, help="Put what is there now aside, in the same directory.")
@click.option("--check", is_flag=True, help="Only read the archive and check every part of it.")
@json_option
@click.pass_obj
def restore(
    options: Options, source: Path, data_dir: Path | None, replace: bool, check: bool, as_json: bool
) -> None:
    """Put a backup in place. Everything is checked before anything changes.

    Replies that were not surely sent when the backup was made become "unknown": they may have been sent
    since. Operators see them and decide; nothing is sent by itself.
    """
    quiet_logs()
    from server.restore import ArchiveError

    with contextlib.ExitStack() as stack:
        file: IO[bytes] = sys.stdin.buffer if str(source) == "-" else stack.enter_context(open(source, "rb"))
        try:
            if check:
                _tell_checked(source, _checked(file), as_json)
            else:
                target = (data_dir or options.server().data_dir).absolute()
                _tell_restored(target, _restored(file, target, replace), as_json)
        except ArchiveError as error:
            raise CommandError(str(error), where=str(source), hint=error.hint) from error


def _checked(file: IO[bytes]) -> Manifest:
    from server.restore import verify

    return verify(file)


def _restored(file: IO[bytes], target: Path, replace: bool) -> Restored:
    from server.lock import DataLock
    from server.restore import restore as put_in_place

    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    only_its_owner(target, "restore")
    with DataLock(target):
        try:
            return put_in_place(file, target, replace)
        except OSError as error:
            raise CommandError(
                f"it cannot be written: {error.strerror}", where=str(target), hint="nothing was changed"
            ) from error


def _tell_checked(source: Path, manifest: Manifest, as_json: bool) -> None:
    if as_json:
        print_json(
            {"created_at": manifest.created_at, "newest_seq": manifest.newest_seq, "counts": manifest.counts}
        )
    else:
        click.echo(f"{source}: whole; made {moment(manifest.created_at)}: {described(manifest)}")


def _tell_restored(target: Path, restored: Restored, as_json: bool) -> None:
    manifest = restored.manifest
    if as_json:
        print_json(
            {
                "data_dir": str(target),
                "created_at": manifest.created_at,
                "newest_seq": manifest.newest_seq,
                "counts": manifest.counts,
                "unknown": restored.unknown,
                "absent": manifest.absent,
                "aside": str(restored.aside or ""),
            }
        )
        return
    click.echo(f"{target}: as it was {moment(manifest.created_at)}: {described(manifest)}")
    if restored.unknown:
        click.echo(f"replies that may have been sent since, for operators to decide: {restored.unknown}")
    if manifest.absent:
        click.echo(f"files that were lost before the backup was made: {len(manifest.absent)}")
    if restored.aside is not None:
        click.echo(f"what was there before: {restored.aside}")
