"""`omni identity`: cards that may be one person; which of them are, and taking that apart again."""

from __future__ import annotations

import click

from omni_console.commands.output import json_option, print_json, print_table
from omni_console.commands.reach import Server, at_server


@click.group()
def identity() -> None:
    """Cards that may be one person: list, accept, refuse, ask again; merge and take apart."""


@identity.command(name="list")
@click.option("--of", "customer", type=click.IntRange(min=1), metavar="CUSTOMER", help="Only this person's.")
@json_option
@at_server
def list_(server: Server, customer: int | None, as_json: bool) -> None:
    """Open suggestions, the surest first."""
    page = server.run(lambda client: client.people.suggestions(customer))
    if as_json:
        print_json(page)
        return
    rows = [
        (str(one.id), f"{one.one.id} {one.one.name}", f"{one.other.id} {one.other.name}", str(one.score))
        for one in page.items
    ]
    print_table(("number", "card", "other card", "points"), rows)


@identity.command()
@click.argument("suggestion", type=click.IntRange(min=1))
@json_option
@at_server
def accept(server: Server, suggestion: int, as_json: bool) -> None:
    """One person."""
    done = server.run(lambda client: client.people.accept(suggestion))
    if as_json:
        print_json(done)
    else:
        click.echo(f"card {done.customer_id} is both; omni identity apart {done.merge_id} takes it back")


@identity.command()
@click.argument("suggestion", type=click.IntRange(min=1))
@json_option
@at_server
def refuse(server: Server, suggestion: int, as_json: bool) -> None:
    """Two people; nobody is asked again."""
    done = server.run(lambda client: client.people.refuse(suggestion))
    if as_json:
        print_json(done)
    else:
        click.echo(f"{suggestion}: two people; omni identity again {suggestion} takes it back")


@identity.command()
@click.argument("suggestion", type=click.IntRange(min=1))
@json_option
@at_server
def again(server: Server, suggestion: int, as_json: bool) -> None:
    """Take a refusal back: the suggestion is open again."""
    opened = server.run(lambda client: client.people.ask_again(suggestion))
    if as_json:
        print_json(opened)
    else:
        click.echo(f"{suggestion}: open again")


@identity.command()
@click.argument("customer", type=click.IntRange(min=1))
@click.argument("other", type=click.IntRange(min=1))
@click.option("--reason", default="", help="How you know.")
@json_option
@at_server
def merge(server: Server, customer: int, other: int, reason: str, as_json: bool) -> None:
    """Two cards are one person, whether somebody suggested it or not. The older one stays."""
    from server.protocol import MergeCommand

    command = MergeCommand(other_id=other, reason=reason)
    done = server.run(lambda client: client.people.merge(customer, command))
    if as_json:
        print_json(done)
    else:
        click.echo(f"card {done.customer_id} is both; omni identity apart {done.merge_id} takes it back")


@identity.command()
@click.argument("merge_id", metavar="MERGE", type=click.IntRange(min=1))
@json_option
@at_server
def apart(server: Server, merge_id: int, as_json: bool) -> None:
    """Take a merge apart: two people again, each with what is his."""
    done = server.run(lambda client: client.people.unmerge(merge_id))
    if as_json:
        print_json(done)
    else:
        click.echo(f"cards {done.customer_id} and {done.restored_id} are two people")
