"""`omni overview`: what waits where, who has how much in hand, and hand-overs; for leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from server.protocol import Overview, TransferFigures


@click.command()
@json_option
@at_server
def overview(server: Server, as_json: bool) -> None:
    """Queues by team and channel, who has how much in hand, what is late, and hand-overs."""
    found = server.run(lambda client: client.lead.overview())
    if as_json:
        print_json(found)
        return
    _queues(found)
    click.echo("")
    _people(found)
    click.echo("")
    click.echo(
        f"late {found.late}, at risk {found.at_risk}, broken promises {found.broken},"
        f" promised for the next hour {found.promised}"
    )
    names = "; omni people forgotten says who" if found.forgotten else ""
    click.echo(f"left without an answer {found.forgotten}{names}")
    for name, figures in (("24 hours", found.day), ("7 days", found.week)):
        click.echo(f"{name}: {transfer_words(figures)}")


def _queues(found: Overview) -> None:
    print_table(
        ("TEAM", "CHANNEL", "OPEN", "NOBODY'S", "OLDEST SINCE"),
        [
            (
                one.team_title or "-",
                one.title + (" (handed over)" if one.handed else ""),
                str(one.open),
                str(one.unassigned),
                moment(one.oldest_at),
            )
            for one in found.queues
        ],
    )


def _people(found: Overview) -> None:
    print_table(
        ("OPERATOR", "IS", "IN HAND", "BY KIND", "WAITS FOR THEM", "OLDEST SINCE", "LATE"),
        [
            (
                load.operator.login,
                load.operator.presence or "-",
                f"{load.held}/{load.operator.room}" if load.operator.room else str(load.held),
                " ".join(f"{one.medium}:{one.held}/{one.room}" for one in load.media) or "-",
                str(load.waiting),
                moment(load.oldest_at),
                str(load.late),
            )
            for load in found.loads
        ],
    )


def transfer_words(figures: TransferFigures) -> str:
    return (
        f"{figures.closed} closed, {figures.none} without a hand-over, {figures.once} with one,"
        f" {figures.more} with more; {figures.handed_over} handed over, {figures.between_teams} of them"
        f" to another team, {figures.declined} declined"
    )
