"""`omni people`: finding people, their cards, writing to them, import with history, export, erasure."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from omni_console.commands.card import ABOUT_A_CARD
from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.outreach import write

if TYPE_CHECKING:
    from omni_console.commands.api import Api
    from server.protocol import Customer, ImportDone, ImportLine, ImportProblem

BATCH_LINES = 200
BATCH_BYTES = 400_000
PATIENCE_S = 120.0


@click.group()
def people() -> None:
    """Who writes to us: find, show, change the card, write to, import, export."""


@people.command()
@click.argument("words", nargs=-1)
@click.option("--tag", default="", help="Only who bears this tag.")
@click.option("--segment", default="", help="Only who is in this segment of omni.toml.")
@click.option("--limit", default=50, type=click.IntRange(1, 200))
@json_option
@click.pass_obj
def find(options: Options, words: tuple[str, ...], tag: str, segment: str, limit: int, as_json: bool) -> int:
    """Find people by words of names, addresses and tags, by telephone or by order number.

    Exit code 1 where nobody is found.
    """
    from omni_console.commands.api import Api
    from server.protocol import CustomerPage

    asked = f"find={quote(' '.join(words))}&tag={quote(tag)}&segment={quote(segment)}&limit={limit}"
    page = Api(options.socket_path()).get(f"/v1/customers?{asked}", CustomerPage)
    if as_json:
        print_json(page)
    elif not page.items:
        click.echo("nobody is found", err=True)
    else:
        print_table(
            ("ID", "NAME", "TAGS", "ADDRESSES"),
            [
                (
                    str(one.id),
                    one.name,
                    " ".join(one.tags),
                    ", ".join(address.label for address in one.addresses),
                )
                for one in page.items
            ],
        )
        if page.next:
            click.echo(f"there are more: the first {limit} are shown", err=True)
    return int(not page.items)


@people.command()
@click.argument("customer", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def show(options: Options, customer: int, as_json: bool) -> None:
    """Show the card of one person."""
    from omni_console.commands.api import Api
    from server.protocol import Customer

    card = Api(options.socket_path()).get(f"/v1/customers/{customer}", Customer)
    if as_json:
        print_json(card)
        return
    for name, value in _told(card):
        click.echo(f"{name:12} {plain(value)}")


def _told(card: Customer) -> Iterator[tuple[str, str]]:
    yield f"{card.id}", card.name
    for address in card.addresses:
        state = f"verified, {address.evidence}" if address.verified else "claimed"
        yield "address", f"{address.scheme} {address.label} ({state}, address {address.id})"
    if card.preferred is not None:
        yield "prefers", f"{card.preferred.channel_title} ({card.preferred.why})"
    if card.tags:
        yield "tags", " ".join(card.tags)
    for field in card.fields:
        yield "field", f"{field.name}: {field.value} ({field.by or field.source}, {moment(field.at)})"
    for consent in card.consents:
        yield "consent", f"{consent.purpose} by {consent.scheme}: {'yes' if consent.granted else 'no'}"
    for record in card.records:
        amount = f" {record.amount} {record.currency}".rstrip()
        yield "record", f"{record.kind} {record.external_id} {record.title} {record.state}{amount}"
    for score in card.scores:
        comment = f": {score.comment}" if score.comment else ""
        asked = ", ".join(part for part in (moment(score.at), score.source) if part)
        yield "score", f"{score.kind} {score.value}/{score.scale}{comment} ({asked})"
    if card.origin is not None:
        campaign = " ".join(f"{name}={value}" for name, value in card.origin.campaign.items())
        yield "first visit", f"{moment(card.origin.at)} {card.origin.page} {card.origin.referrer} {campaign}"
    for promise in card.promises:
        yield "promise", f"{promise.next_step} (until {moment(promise.due_at)})"
    for linked in card.linked:
        yield "linked", f"{linked.customer_id} {linked.name}: {linked.relation} (link {linked.id})"
    for found in card.findings:
        yield "found", f"{found.scheme} {found.external_id} in message {found.message_id}, not on the card"
    yield "history", f"{len(card.conversations)} conversations, {card.notes} notes, {card.files} files"


# --- import ---------------------------------------------------------------------------------------


@people.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and do nothing.")
@click.option("--vouch", is_flag=True, help="The addresses are known to be right: they can be answered.")
@json_option
@click.pass_obj
def import_(options: Options, file: Path, dry_run: bool, vouch: bool, as_json: bool) -> int:
    """Bring in people and their history: FILE.csv or FILE.jsonl (docs/operating.md).

    Every line is checked before anything is done: where one is wrong, nothing is. The same file again
    changes nothing. What was said wakes nobody: it is in the history and in the search, in no queue.
    """
    from omni_console import people_file
    from omni_console.commands.api import Api
    from server.protocol import ImportDone

    try:
        content = people_file.read(file.read_bytes(), file.name)
    except people_file.UnreadableError as error:
        hint = "write CSV with a head, or one JSON object a line, in UTF-8"
        raise CommandError(str(error), where=str(file), hint=hint, code=Code.USAGE) from error
    api = Api(options.socket_path(), PATIENCE_S)
    checked, found = _send(api, content.lines, vouch, dry_run=True)
    problems = sorted([*content.problems, *found], key=lambda problem: problem.line)
    if problems:
        if as_json:
            print_json(ImportDone(problems=problems))
        for problem in problems:
            click.echo(f"{file}:{problem.line}: {plain(problem.problem)}", err=True)
        click.echo(f"{len(problems)} lines are wrong: nothing was imported", err=True)
        return int(Code.NOT_OK)
    done = checked
    if not dry_run:
        done, found = _send(api, content.lines, vouch, dry_run=False)
        if found:
            first = found[0]
            raise CommandError(
                f"line {first.line}: {first.problem}",
                where=str(file),
                hint="somebody changed something meanwhile; run it again: what is there is not doubled",
            )
    if as_json:
        print_json(done)
    else:
        _tell(done, "would be " if dry_run else "")
    return 0


def _tell(done: ImportDone, would: str) -> None:
    people_words = (
        f"{done.people_new} {would}new, {done.people_changed} {would}changed, {done.people_same} as they are"
    )
    click.echo(f"people:   {people_words}")
    click.echo(f"messages: {done.messages_new} {would}new, {done.messages_same} there already")
    if done.held:
        click.echo(f"{done.held} addresses stay claims: another card has them, verified")


def _send(
    api: Api, lines: list[ImportLine], vouch: bool, *, dry_run: bool
) -> tuple[ImportDone, list[ImportProblem]]:
    """Every batch, and the sum of what they led to."""
    from server.protocol import ImportCommand, ImportDone

    total = ImportDone()
    problems: list[ImportProblem] = []
    new: set[str] = set()
    taken: list[str] = []
    shared = _shared(lines)
    for batch in _batches(lines):
        named = {line.message.person for line in batch if line.message is not None}
        command = ImportCommand(
            lines=batch,
            dry_run=dry_run,
            vouch=vouch,
            earlier=sorted(named & new),
            taken=taken if dry_run else [],
        )
        done = api.post("/v1/people/import", command, ImportDone)
        problems += done.problems
        new.update(done.new)
        taken += [address for address in done.taken if _rough(address) in shared]
        for name in ("people_new", "people_changed", "people_same", "messages_new", "messages_same", "held"):
            setattr(total, name, getattr(total, name) + getattr(done, name))
        if problems and not dry_run:
            break
    return total, problems


def _rough(address: str) -> str:
    """Equal for every way of writing one address: only who gives the same one needs to hear of the other."""
    plain = address.lower().strip()
    return plain.rpartition(":")[2] if "@" in plain else "".join(filter(str.isdigit, plain))[-9:]


def _shared(lines: list[ImportLine]) -> set[str]:
    """Addresses that several people of the file have."""
    once: set[str] = set()
    again: set[str] = set()
    for line in lines:
        if line.person is not None:
            for rough in {_rough(one) for one in [*line.person.emails, *line.person.phones]}:
                (again if rough in once else once).add(rough)
    return again


def _batches(lines: list[ImportLine]) -> Iterator[list[ImportLine]]:
    import msgspec

    batch: list[ImportLine] = []
    size = 0
    for line in lines:
        length = len(msgspec.json.encode(line))
        if batch and (len(batch) >= BATCH_LINES or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch


@people.command()
@json_option
@click.pass_obj
def forgotten(options: Options, as_json: bool) -> int:
    """Who said something last and got no answer, and nothing goes on. Exit code 1 where there is one."""
    from omni_console.commands.api import Api
    from server.protocol import Conversation

    found = Api(options.socket_path()).get("/v1/forgotten?limit=200", list[Conversation])
    if as_json:
        print_json(found)
    elif not found:
        click.echo("nobody is forgotten")
    else:
        print_table(
            ("CASE", "PERSON", "CLOSED", "TOPIC", "SAID LAST"),
            [
                (str(one.id), one.customer, moment(one.closed_at), one.topic, one.preview[:60])
                for one in found
            ],
        )
    return int(bool(found))


# --- export ---------------------------------------------------------------------------------------


@people.command()
@click.argument("customer", type=click.IntRange(min=1))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="FILE.json, or FILE.zip with his files.",
)
@click.pass_obj
def export(options: Options, customer: int, output: Path | None) -> None:
    """Everything that is known of one person and was said, as JSON, or with his files as a zip archive."""
    import msgspec

    from omni_console.commands.api import Api
    from server.protocol import PersonExport

    api = Api(options.socket_path(), PATIENCE_S)
    person = api.get(f"/v1/customers/{customer}/export", PersonExport)
    data = msgspec.json.format(msgspec.json.encode(person), indent=2)
    if output is None:
        click.echo(data.decode())
        return
    try:
        # Personal data: for nobody else's eyes, and never over something that is there.
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandError(
            "it exists", where=str(output), hint="name another file", code=Code.USAGE
        ) from error
    with os.fdopen(handle, "wb") as file:
        if output.suffix != ".zip":
            file.write(data)
            return
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("person.json", data)
            for one in person.files:
                if not one.problem:
                    # By number: a sender's file name is never a path.
                    archive.writestr(f"files/{one.id}", api.fetch(f"/v1/files/{one.id}"))


# --- erasing --------------------------------------------------------------------------------------


@people.command()
@click.argument("customer", type=click.IntRange(min=1))
@click.option(
    "--reason", required=True, help="Why: a request of the person and its date, the end of a purpose."
)
@click.option("--name", help="The person's name as the card shows it; asked for where it is not given.")
@click.option(
    "--report",
    "target",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the record of the erasure goes: FILE.md, or FILE.json.",
)
@click.pass_obj
def erase(options: Options, customer: int, reason: str, name: str | None, target: Path) -> None:
    """Take one person out for good: card, conversations, files, indexes, raw items.

    The record that GDPR and 152-FZ ask for is written to a file of yours; the server keeps none of it. What
    backups hold is taken out again when one of them is restored.
    """
    import msgspec

    from omni_console.commands.api import Api
    from omni_console.commands.erasure_record import record
    from server.protocol import Customer, EraseCommand, ErasureReport

    api = Api(options.socket_path(), PATIENCE_S)
    if name is None:
        card = api.get(f"/v1/customers/{customer}", Customer)
        addresses = ", ".join(plain(one.label) for one in card.addresses)
        click.echo(f"customer {card.id}: {plain(card.name)} ({addresses}), since {moment(card.created_at)}")
        name = click.prompt("This cannot be undone. Write the name once more to erase this person")
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandError(
            "it exists", where=str(target), hint="name another file", code=Code.USAGE
        ) from error
    try:
        command = EraseCommand(name=name or "", reason=reason)
        done = api.post(f"/v1/customers/{customer}/erase", command, ErasureReport)
    except BaseException:
        target.unlink()
        raise
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        if target.suffix == ".json":
            file.write(msgspec.json.format(msgspec.json.encode(done), indent=2).decode() + "\n")
        else:
            file.write(record(done))
    click.echo(f"erased; the record is in {target}")
    if done.others:
        cards = ", ".join(map(str, done.others))
        click.echo(f"other cards that name the same addresses, look whether they are this person: {cards}")


for _command in (*ABOUT_A_CARD, write):
    people.add_command(_command)
