"""`omni audit`: is the event log as it was written?"""

from __future__ import annotations

import re
from pathlib import Path

import click

from omni_console.commands.asking import ask
from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json
from server.protocol import AuditVerdict


@click.group()
def audit() -> None:
    """The chain that ties every event to all before it."""


@audit.command()
@click.option("--expect", default="", metavar="LAST:DIGEST", help="As an earlier run said, noted elsewhere.")
@json_option
@click.pass_obj
def verify(options: Options, expect: str, as_json: bool) -> int:
    """Walk the chain. Exit code 1 where an event was changed, added or removed."""

    def offline(data_dir: Path) -> AuditVerdict:
        from server.store.audit import noted
        from server.store.offline import verify_audit

        return verify_audit(data_dir, noted(expect))

    if expect and not re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", expect):
        raise CommandError(
            f"{expect!r} is not LAST:DIGEST", hint="copy it from an earlier run", code=Code.USAGE
        )
    found = ask(options, lambda api: api.get(f"/v1/audit?expect={expect}", AuditVerdict), offline)
    if as_json:
        print_json(found)
    elif found.problem:
        click.echo(f"the event log was changed: {found.problem}", err=True)
    else:
        click.echo(f"{found.events} events are as they were written; {found.last}:{found.digest}")
    return 1 if found.problem else 0
