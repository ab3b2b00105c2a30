"""`omni people write`: one text to many, held where something speaks against it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from omni_console.commands.answering import words as words_to_send
from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from omni_console.commands.api import Api
    from server.protocol import BulkOutcome, Customer

PAGE = 200
AT_ONCE = 1_000  # of one request, as the server takes it


@click.command()
@click.argument("numbers", metavar="[CUSTOMER]…", type=click.IntRange(min=1), nargs=-1)
@click.option("--segment", default="", help="Whoever is in this segment of omni.toml.")
@click.option("--tag", default="", help="Whoever bears this tag.")
@click.option("--purpose", required=True, help="What consents are asked by: service, offers, …")
@click.option("-m", "--message", "text", help="The words; without it they are read from stdin.")
@click.option("--subject", help="For those who are written to by e-mail.")
@click.option("--by", "channel", default="", help="A channel; if not given, each one's preferred one.")
@click.option("--send", is_flag=True, help="Send it; without it nobody gets anything.")
@click.option("--id", "client_id", help="The same again with the same id is sent to nobody twice.")
@json_option
@click.pass_obj
def write(
    options: Options,
    numbers: tuple[int, ...],
    segment: str,
    tag: str,
    purpose: str,
    text: str | None,
    subject: str | None,
    channel: str,
    send: bool,
    client_id: str | None,
    as_json: bool,
) -> int:
    """Write to people who did not just write to us. Without --send it only says who would get it.

    {first_name} and other fields of the card are filled in for each. Exit code 1 where somebody is held.
    """
    from omni_console.commands.api import Api
    from server.protocol import BulkDone, BulkMessage

    if bool(numbers) + bool(segment) + bool(tag) != 1:
        raise CommandError("to whom?", hint="name people by number, or --segment, or --tag", code=Code.USAGE)
    api = Api(options.socket_path())
    words = words_to_send(text)
    names = {number: str(number) for number in numbers}
    if not numbers:
        names = {one.id: one.name for one in _found(api, segment, tag)}
    # Of the words and whom they are for: a script that is run again sends nothing twice.
    made = hashlib.sha256(f"{words}\0{subject}\0{purpose}\0{segment}\0{tag}".encode()).hexdigest()[:32]
    outcomes: list[BulkOutcome] = []
    ids = list(names)
    for start in range(0, len(ids), AT_ONCE):
        message = BulkMessage(
            client_id=client_id or made,
            text=words,
            customer_ids=ids[start : start + AT_ONCE],
            purpose=purpose,
            subject=subject,
            channel_id=channel,
            dry_run=not send,
        )
        outcomes += api.post("/v1/bulk-messages", message, BulkDone).outcomes
    held = [one for one in outcomes if one.obstacles or one.problem]
    if as_json:
        print_json(BulkDone(outcomes=outcomes, queued=len(outcomes) - len(held), held=len(held)))
        return int(bool(held) or not outcomes)
    if held:
        print_table(("ID", "NAME", "HELD BECAUSE"), [_row(one, names) for one in held])
    deed = "are on their way" if send else "would be sent (nothing was: --send does it)"
    click.echo(f"{len(outcomes) - len(held)} {deed}, {len(held)} held")
    return int(bool(held) or not outcomes)


def _row(outcome: BulkOutcome, names: dict[int, str]) -> tuple[str, str, str]:
    why = outcome.problem or "; ".join(one.text or one.kind for one in outcome.obstacles)
    return str(outcome.customer_id), plain(names[outcome.customer_id]), plain(why)


def _found(api: Api, segment: str, tag: str) -> list[Customer]:
    from server.protocol import CustomerPage

    found: list[Customer] = []
    after = ""
    while True:
        asked = f"segment={quote(segment)}&tag={quote(tag)}&limit={PAGE}&after={after}"
        page = api.get(f"/v1/customers?{asked}", CustomerPage)
        found += page.items
        if page.next is None:
            return found
        after = page.next
