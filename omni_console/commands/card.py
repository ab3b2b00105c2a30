"""`omni people set`, `tag`, `history`, `consent`, `address`, `found`, `link`: what a card says of one person.

Each prints with what it is taken back: a script knows what it did, not what was done last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Address, AddressCommand, CardCommand, Customer, Field, Finding, LinkedPerson

one = click.argument("customer", type=click.IntRange(min=1))
# What is the card's own and no field of omni.toml: keys of a CardCommand.
_OWN = ("name", "language", "time_zone", "preferred_channel")


@click.command(name="set")
@one
@click.argument("values", metavar="FIELD=VALUE…", nargs=-1, required=True)
@json_option
@at_server
def set_(server: Server, customer: int, values: tuple[str, ...], as_json: bool) -> None:
    """Set fields of a card: name, language, time_zone, preferred_channel, and those of omni.toml.

    FIELD= with nothing behind it removes a field. omni people history has what it was, and brings it back.
    """
    command = _changes(values)
    card = server.run(lambda client: client.people.change(customer, command))
    if as_json:
        print_json(card)
        return
    for name, _, value in (each.partition("=") for each in values):
        then = f"is {value}" if value else "is removed"
        back = (
            "" if name == "preferred_channel" else f"; omni people history {customer} {name} has what it was"
        )
        click.echo(plain(f"{customer}: {name} {then}{back}"))


def _changes(values: tuple[str, ...]) -> CardCommand:
    """Raises CommandError."""
    from server.protocol import CardCommand

    command = CardCommand()
    for each in values:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise CommandError(
                f"{each!r} sets nothing", hint="write FIELD=VALUE, or FIELD= to remove it", code=Code.USAGE
            )
        if name in _OWN:
            setattr(command, name, value)
        else:
            command.fields[name] = value
    return command


@click.command()
@one
@click.option("--add", multiple=True, metavar="TAG", help="Put it on; as often as you like.")
@click.option("--remove", multiple=True, metavar="TAG", help="Take it off; as often as you like.")
@json_option
@at_server
def tag(server: Server, customer: int, add: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Tags of a person."""
    from server.protocol import CardCommand

    if not add and not remove:
        raise CommandError("which tags?", hint="--add TAG, --remove TAG", code=Code.USAGE)

    async def work(client: ServerClient) -> Customer:
        kept = [each for each in (await client.customer(customer)).tags if each not in remove]
        tags = [*kept, *(each for each in dict.fromkeys(add) if each not in kept)]
        return await client.people.change(customer, CardCommand(tags=tags))

    card = server.run(work)
    if as_json:
        print_json(card)
    else:
        click.echo(plain(f"{customer}: {' '.join(card.tags) or 'no tags'}"))


@click.command()
@one
@click.argument("name", metavar="FIELD")
@click.option("--back", type=click.IntRange(min=1), metavar="NUMBER", help="Make it again what it was there.")
@json_option
@at_server
def history(server: Server, customer: int, name: str, back: int | None, as_json: bool) -> int:
    """How a field was, the newest first. Exit code 1 where it never was anything."""
    if back is not None:
        card = server.run(lambda client: client.people.revert_field(customer, name, back))
        if as_json:
            print_json(card)
        else:
            click.echo(plain(f"{customer}: {name} is as it was in {back}"))
        return 0

    async def work(client: ServerClient) -> list[Field]:
        return await client.people.field_history(customer, name)

    found = server.run(work)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("it never was anything", err=True)
    else:
        print_table(
            ("NUMBER", "VALUE", "FROM", "AT"),
            [
                (
                    str(each.id),
                    "(removed)" if each.value is None else each.value,
                    each.by or each.source,
                    moment(each.at),
                )
                for each in found
            ],
        )
    return int(not found)


@click.command()
@one
@click.argument("purpose")
@click.argument("answer", type=click.Choice(["yes", "no"]))
@click.option("--by", "scheme", default="*", help="Only by this: email, phone, a channel's scheme; all.")
@json_option
@at_server
def consent(server: Server, customer: int, purpose: str, answer: str, scheme: str, as_json: bool) -> None:
    """What a person said to messages of a purpose (service, marketing, …)."""
    from server.protocol import ConsentCommand

    command = ConsentCommand(purpose=purpose, granted=answer == "yes", scheme=scheme)
    card = server.run(lambda client: client.people.consent(customer, command))
    if as_json:
        print_json(card)
    else:
        by = "all ways" if scheme == "*" else scheme
        click.echo(plain(f"{customer}: {purpose} by {by}: {answer}"))


@click.command()
@one
@click.argument("text", metavar="[ADDRESS]", default="")
@click.option("--vouch", is_flag=True, help="I know that it is his: replies may go there.")
@click.option("--forget", type=click.IntRange(min=1), metavar="NUMBER", help="Take a claim off the card.")
@json_option
@at_server
def address(server: Server, customer: int, text: str, vouch: bool, forget: int | None, as_json: bool) -> None:
    """Note an e-mail address or a phone that somebody named: a claim, unless you vouch for it."""
    from server.protocol import AddressCommand

    if bool(text) == (forget is not None):
        raise CommandError("which address?", hint="name one, or --forget NUMBER", code=Code.USAGE)
    if forget is not None:
        card = server.run(lambda client: client.people.forget_address(customer, forget))
        _tell(card, f"address {forget} is forgotten", as_json=as_json)
        return
    scheme = "email" if "@" in text else "phone"
    command = AddressCommand(scheme=scheme, external_id=text, vouched=vouch)
    card, new = server.run(lambda client: _noted(client, customer, command))
    _tell(
        card, "\n".join(_told(each, customer) for each in new) or "it is on the card already", as_json=as_json
    )


async def _noted(
    client: ServerClient, customer: int, command: AddressCommand
) -> tuple[Customer, list[Address]]:
    """The card, and what of it is new or known better than before."""
    known = {each.id: each.verified for each in (await client.customer(customer)).addresses}
    card = await client.people.add_address(customer, command)
    return card, [each for each in card.addresses if known.get(each.id) != each.verified]


def _told(noted: Address, customer: int) -> str:
    if noted.verified:
        return f"{noted.label} is on the card as address {noted.id}; replies may go there"
    back = f"omni people address {customer} --forget {noted.id} takes it back"
    return f"{noted.label} is on the card as address {noted.id}, a claim; {back}"


@click.command()
@one
@click.option("--add", metavar="ADDRESS", help="Put this one on the card, as a claim.")
@json_option
@at_server
def found(server: Server, customer: int, add: str | None, as_json: bool) -> int:
    """Phones and e-mail addresses that a person wrote in messages and that his card lacks.

    Exit code 1 where there are none.
    """
    from server.protocol import AddressCommand

    async def put(client: ServerClient) -> tuple[Customer, list[Address]]:
        each = _finding(await client.customer(customer), add or "")
        command = AddressCommand(scheme=each.scheme, external_id=each.external_id, message_id=each.message_id)
        return await _noted(client, customer, command)

    if add is not None:
        card, new = server.run(put)
        _tell(card, "\n".join(_told(each, customer) for each in new), as_json=as_json)
        return 0
    card = server.run(lambda client: client.customer(customer))
    if as_json:
        print_json(card.findings)
    elif not card.findings:
        click.echo("nothing was found that the card lacks", err=True)
    else:
        rows = [(each.external_id, each.scheme, str(each.message_id), each.shown) for each in card.findings]
        print_table(("ADDRESS", "KIND", "MESSAGE", "AS WRITTEN"), rows)
    return int(not card.findings)


def _finding(card: Customer, named: str) -> Finding:
    """Raises CommandError."""
    for each in card.findings:
        if named in (each.external_id, each.shown):
            return each
    hint = f"omni people found {card.id} says what was"
    raise CommandError(f"{named!r} was found in no message, or is on the card", hint=hint)


@click.command()
@one
@click.argument("other", type=click.IntRange(min=1))
@click.option("--as", "relation", required=True, help="Who OTHER is to him: wife, assistant, same company.")
@json_option
@at_server
def link(server: Server, customer: int, other: int, relation: str, as_json: bool) -> None:
    """Two people who belong together and are not one."""
    from server.protocol import LinkCommand

    command = LinkCommand(customer_id=other, relation=relation)
    card = server.run(lambda client: client.people.link(customer, command))
    made: LinkedPerson | None = max(
        (each for each in card.linked if each.customer_id == other), key=lambda each: each.id, default=None
    )
    back = f"; omni people unlink {made.id} takes it back" if made is not None else ""
    _tell(card, f"{other} is linked, as {relation}{back}", as_json=as_json)


@click.command()
@click.argument("number", metavar="LINK", type=click.IntRange(min=1))
@json_option
@at_server
def unlink(server: Server, number: int, as_json: bool) -> None:
    """They do not belong together; LINK is told by omni people link, and by show."""
    gone = server.run(lambda client: client.people.unlink(number))
    if as_json:
        print_json(gone)
    else:
        click.echo(plain(f"{gone.customer_id} {gone.name} is linked no more"))


def _tell(card: Customer, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(card)
        return
    for line in said.split("\n"):
        click.echo(plain(f"{card.id}: {line}"))


ABOUT_A_CARD = (set_, tag, history, consent, address, found, link, unlink)
