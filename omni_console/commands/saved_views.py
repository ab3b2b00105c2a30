"""`omni views`: filters of lists, kept under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click

from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_option, print_json, print_table
from omni_console.commands.query import parsed
from omni_console.commands.reach import Server, at_server
from server.protocol import View

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import SavedView


@click.group()
def views() -> None:
    """Filters kept under a name; omni list --view NAME shows one."""


@views.command(name="list")
@json_option
@at_server
def list_(server: Server, as_json: bool) -> None:
    """Mine, then everybody's."""

    async def work(client: ServerClient) -> list[SavedView]:
        return await client.views.everything()

    found = server.run(work)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("there are no saved views", err=True)
    else:
        rows = [
            (one.name, "everybody's" if one.shared else "mine", one.by, one.base, one.filter) for one in found
        ]
        print_table(("NAME", "WHOSE", "BY", "LIST", "FILTER"), rows)


@views.command()
@click.argument("name")
@click.argument("base", metavar="LIST", type=click.Choice(get_args(View)))
@click.argument("filtered", metavar="FILTER")
@click.option("--shared", is_flag=True, help="Everybody's; for leads and administrators.")
@json_option
@at_server
def save(server: Server, name: str, base: View, filtered: str, shared: bool, as_json: bool) -> None:
    """Keep a FILTER (docs/search.md) of a list. Mine of this name is this from now on."""
    from server.protocol import SavedViewCommand

    parsed(filtered)
    command = SavedViewCommand(name=name, base=base, filter=filtered, shared=shared)
    made = server.run(lambda client: client.views.put(command))
    if as_json:
        print_json(made)
    else:
        click.echo(plain(f"{made.name}: {made.base} {made.filter}"))


@views.command()
@click.argument("name")
@click.option("--shared", is_flag=True, help="Everybody's of this name, not mine.")
@json_option
@at_server
def remove(server: Server, name: str, shared: bool, as_json: bool) -> None:
    """Take a view of this name away."""

    async def work(client: ServerClient) -> SavedView:
        known = [one for one in await client.views.everything() if one.shared == shared]
        for one in known:
            if one.name.casefold() == name.casefold():
                return await client.views.remove(one.id)
        names = ", ".join(one.name for one in known) or "none"
        raise CommandError(f"there is no saved view {name!r}", hint=f"there are: {names}", code=Code.USAGE)

    gone = server.run(work)
    if as_json:
        print_json(gone)
    else:
        click.echo(plain(f"{gone.name} is gone"))
