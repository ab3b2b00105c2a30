"""Whose conversations are, and how they stand: `omni claim`, `snooze`, `close` …, done to one or to many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_option, moment, print_json
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Conversation

    Deed = Callable[[ServerClient, int], Awaitable[Conversation]]

many = click.argument("numbers", metavar="CONVERSATION…", type=click.IntRange(min=1), nargs=-1, required=True)


def each(server: Server, numbers: tuple[int, ...], deed: Deed, *, as_json: bool, back: bool = False) -> int:
    """One after the other; what is refused is told, and the others are done all the same. `back`: with how
    each is taken back."""
    from omni_console.client import RefusedError

    codes: list[int] = []

    async def work(client: ServerClient) -> list[Conversation]:
        done = []
        for number in dict.fromkeys(numbers):
            try:
                done.append(await deed(client, number))
            except RefusedError as error:
                codes.append(Code.REFUSED if error.body.code == "forbidden" else Code.NOT_OK)
                reason = f"{error.body.message}. {error.body.hint}".strip(" .")
                click.echo(f"{number}: {plain(reason)}", err=True)
        return done

    done = server.run(work)
    if as_json:
        print_json(done)
    for row in () if as_json else done:
        until = f" until {moment(row.snooze_until)}" if row.state == "snoozed" else ""
        undo = f"; omni undo {row.id} {row.seq} takes it back" if back else ""
        click.echo(plain(f"{row.id}: {row.state}{until}, {row.assignee or 'nobody'}{undo}"))
    return max(codes, default=0)


class _Colleague:
    """Somebody whom a command names by his login."""

    def __init__(self, login: str) -> None:
        self._login = login
        self._numbers: dict[str, int] = {}

    async def number(self, client: ServerClient) -> int:
        """Asked of the server once. Raises CommandError."""
        if not self._numbers:
            self._numbers = {one.login: one.id for one in await client.operators()}
        if self._login not in self._numbers:
            raise CommandError(
                f"nobody has the login {self._login}",
                hint=f"one of {', '.join(sorted(self._numbers))}",
                code=Code.NOT_OK,
            )
        return self._numbers[self._login]


@click.command()
@many
@click.option("--take-over", is_flag=True, help="Also from a colleague who has it.")
@json_option
@at_server
def claim(server: Server, numbers: tuple[int, ...], take_over: bool, as_json: bool) -> int:
    """Take conversations. Exit code 1 where somebody else has one."""

    async def deed(client: ServerClient, number: int) -> Conversation:
        holder = (await client.detail(number)).conversation.assignee_id if take_over else None
        return await client.claim(number, holder)

    return each(server, numbers, deed, as_json=as_json, back=True)


@click.command()
@many
@json_option
@at_server
def release(server: Server, numbers: tuple[int, ...], as_json: bool) -> int:
    """Give conversations back to the queue."""
    return each(server, numbers, lambda client, number: client.release(number), as_json=as_json, back=True)


@click.command()
@many
@click.option("--topic", help="What it was about; else the topic that it has (omni about).")
@click.option("--result", required=True, help="What came of it.")
@json_option
@at_server
def close(server: Server, numbers: tuple[int, ...], topic: str | None, result: str, as_json: bool) -> int:
    """Close conversations."""

    async def deed(client: ServerClient, number: int) -> Conversation:
        about = (await client.detail(number)).conversation.topic if topic is None else topic
        return await client.close_conversation(number, about, result)

    return each(server, numbers, deed, as_json=as_json, back=True)


@click.command()
@many
@json_option
@at_server
def reopen(server: Server, numbers: tuple[int, ...], as_json: bool) -> int:
    """Open closed conversations again."""
    return each(server, numbers, lambda client, number: client.reopen(number), as_json=as_json, back=True)


@click.command()
@many
@click.option("--until", required=True, help='"2h", "14:00", "tomorrow 9:30", "fri", "25.11 10:00".')
@json_option
@at_server
def snooze(server: Server, numbers: tuple[int, ...], until: str, as_json: bool) -> int:
    """Put conversations away until a time, or until the customer writes."""
    from omni_console.due import parse_due
    from omni_console.timing import Clock

    clock = Clock()
    if parse_due(until, clock) is None:
        raise CommandError(f"{until!r} is no time", hint='write "2h", or "tomorrow 9:30"', code=Code.USAGE)

    async def deed(client: ServerClient, number: int) -> Conversation:
        clock.set_by((await client.hello()).now)
        return await client.snooze(number, parse_due(until, clock) or 0)

    return each(server, numbers, deed, as_json=as_json, back=True)


@click.command()
@many
@json_option
@at_server
def wake(server: Server, numbers: tuple[int, ...], as_json: bool) -> int:
    """End snoozes before their time."""
    return each(server, numbers, lambda client, number: client.wake(number), as_json=as_json, back=True)


@click.command()
@click.argument("number", metavar="CONVERSATION", type=click.IntRange(min=1))
@click.argument("seq", metavar="SEQ", type=click.IntRange(min=1))
@json_option
@at_server
def undo(server: Server, number: int, seq: int, as_json: bool) -> int:
    """Take back what you did with a conversation: SEQ was told when it was done. It is as it was before.

    Exit code 1 where somebody moved it since.
    """
    return each(server, (number,), lambda client, which: client.undo(which, seq), as_json=as_json)


@click.command()
@many
@click.option("--to", "login", default="", help="The colleague's login.")
@click.option("--team", default="", help="Instead: into the queue of this team.")
@click.option("-m", "--note", "words", required=True, help="What he must know: kept as a private note.")
@json_option
@at_server
def assign(server: Server, numbers: tuple[int, ...], login: str, team: str, words: str, as_json: bool) -> int:
    """Hand conversations to a colleague or to another team, with a note."""
    if bool(login) == bool(team):
        raise CommandError("to whom?", hint="name a colleague (--to) or a team (--team)", code=Code.USAGE)
    colleague = _Colleague(login)

    async def deed(client: ServerClient, number: int) -> Conversation:
        if team:
            return await client.lead.hand_to_team(number, team, words)
        return await client.assign(number, await colleague.number(client), words)

    return each(server, numbers, deed, as_json=as_json, back=True)


@click.command()
@many
@click.option("--with", "login", required=True, help="The collaborator's login.")
@click.option("--end", is_flag=True, help="He sees them no more.")
@json_option
@at_server
def share(server: Server, numbers: tuple[int, ...], login: str, end: bool, as_json: bool) -> int:
    """Let a collaborator of another department see conversations, and write notes in them."""
    colleague = _Colleague(login)

    async def deed(client: ServerClient, number: int) -> Conversation:
        operator_id = await colleague.number(client)
        if end:
            return await client.unshare(number, operator_id)
        return await client.share(number, operator_id)

    return each(server, numbers, deed, as_json=as_json)


@click.command()
@many
@click.option("-m", "--reason", default="", help="Why it is not yours: kept as a private note.")
@json_option
@at_server
def decline(server: Server, numbers: tuple[int, ...], reason: str, as_json: bool) -> int:
    """Not mine: what was just handed over goes back to who had it."""
    return each(server, numbers, lambda client, number: client.decline(number, reason), as_json=as_json)
