"""`omni list`, `show`, `search`, `tail`: what the console shows, as lines or JSON."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_line, json_option, moment, print_json, print_table
from omni_console.commands.query import QueryCommand, asked, parsed, sent
from omni_console.commands.reach import Server, at_server
from server.protocol import View
from server.protocol.query import written

if TYPE_CHECKING:
    from omni_console.client import Link, ServerClient
    from server.protocol import (
        ConversationDetail,
        ConversationPage,
        Envelope,
        Hello,
        HistoryPage,
        SavedView,
        SearchPage,
    )


@click.command(name="list")
@click.argument("view", type=click.Choice(get_args(View)), required=False)
@click.option("--view", "saved", metavar="NAME", help="A saved view: mine of this name, else everybody's.")
@click.option("--filter", "filtered", default="", help="Only what is like this: 'is:unread -tag:vip'.")
@click.option("--limit", default=50, type=click.IntRange(1, 200), help="How many at most; 50.")
@click.option("--after", help="The key of the next page, as --json gave it.")
@json_option
@at_server
def list_(
    server: Server,
    view: View | None,
    saved: str | None,
    filtered: str,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """The conversations of a view: mine, queue, waiting, all, closed or spam; in the console's order.

    What --filter takes is told in docs/search.md; behind --view it narrows that view further.
    """
    from omni_console.commands.spoken import HEAD, row

    query = parsed(filtered)

    async def ask(client: ServerClient) -> ConversationPage:
        base, wanted = view, query
        if saved is not None:
            found = await _saved_view(client, saved)
            base = base or found.base
            wanted = parsed(f"{found.filter} {written(query)}")
        asked_for = await sent(wanted, client)
        page = await client.conversations(base or "mine", after, limit, filtered=asked_for)
        while len(page.items) < limit and page.next is not None:
            # A page of a filtered list may be short: it looked at so many, and goes on.
            more = await client.conversations(
                base or "mine", page.next, limit - len(page.items), filtered=asked_for
            )
            page.items += more.items
            page.next = more.next
        return page

    page = server.run(ask)
    if as_json:
        print_json(page)
    elif not page.items:
        click.echo("no conversation", err=True)
    else:
        print_table(HEAD, [row(conversation) for conversation in page.items])
        if page.next:
            click.echo(f"there are more: the first {limit} are shown; --after {page.next}", err=True)


async def _saved_view(client: ServerClient, name: str) -> SavedView:
    """One's own comes first. Raises CommandError."""
    views = await client.views.everything()
    found = next((one for one in views if one.name.lower() == name.lower()), None)
    if found is None:
        known = ", ".join(one.name for one in views) or "none"
        raise CommandError(f"there is no saved view {name!r}", hint=f"there are: {known}", code=Code.USAGE)
    return found


@click.command()
@click.argument("conversation", type=click.IntRange(min=1))
@click.option("--all", "whole", is_flag=True, help="Everything this person said and was told, not only this.")
@click.option("--unseen", is_flag=True, help="It does not count as read.")
@json_option
@at_server
def show(server: Server, conversation: int, whole: bool, unseen: bool, as_json: bool) -> None:
    """A conversation with its messages, oldest first. It counts as read from then on, as in the console."""
    from omni_console.commands import spoken

    async def read(client: ServerClient) -> ConversationDetail:
        detail = await client.detail(conversation)
        history = detail.history
        while history.before is not None and (whole or _reaches_further(history, detail)):
            history = await client.history(detail.customer.id, history.before, 200)
            detail.history.messages[:0] = history.messages
        detail.history.before = history.before
        if not unseen:
            await _count_as_read(client, detail)
        return detail

    detail = server.run(read)
    if not whole:
        number = detail.conversation.id
        detail.history.messages = [one for one in detail.history.messages if one.conversation_id == number]
    if as_json:
        print_json(detail)
        return
    for line in spoken.head(detail):
        click.echo(line)
    for said in detail.history.messages:
        click.echo("")
        for line in spoken.message(said):
            click.echo(line)


def _reaches_further(history: HistoryPage, detail: ConversationDetail) -> bool:
    """May older pages hold messages of this conversation?"""
    return not history.messages or history.messages[0].at >= detail.conversation.opened_at


async def _count_as_read(client: ServerClient, detail: ConversationDetail) -> None:
    from omni_console.client import RefusedError

    try:
        await client.seen(detail.conversation.id, detail.history.seq)
    except RefusedError as error:
        if error.body.code != "forbidden":  # whoever may only read leaves no marks
            raise


@click.command(cls=QueryCommand)
@click.argument("words", nargs=-1, required=True)
@click.option("--customer", type=click.IntRange(min=1), help="Only with this person.")
@click.option("--limit", default=50, type=click.IntRange(1, 200), help="How many at most; 50.")
@click.option("--before", help="The key of the next page, as --json gave it.")
@json_option
@at_server
def search(
    server: Server,
    words: tuple[str, ...],
    customer: int | None,
    limit: int,
    before: str | None,
    as_json: bool,
) -> int:
    """Messages with these words, the newest first. Exit code 1 where there is none.

    Qualifiers: from: to: channel: before: after: on: has: is: tag: topic: assignee: team: priority:, and -
    before what must not be (docs/search.md). In one piece: 'refund "blue kettle" from:anna after:3d'
    """
    query = asked(words)

    async def ask(client: ServerClient) -> SearchPage:
        return await client.search(await sent(query, client), before, limit, customer_id=customer)

    page = server.run(ask)
    if as_json:
        print_json(page)
    elif not page.hits:
        click.echo("nothing found", err=True)
    else:
        print_table(
            ("CONVERSATION", "MESSAGE", "AT", "BY", "CUSTOMER", "TEXT"),
            [
                (
                    str(hit.conversation.id),
                    str(hit.message.id),
                    moment(hit.message.at),
                    hit.message.author or hit.message.kind,
                    hit.conversation.customer,
                    " ".join(hit.message.text.split()),
                )
                for hit in page.hits
            ],
        )
        if page.next:
            click.echo(f"there are more: the first {limit} are shown; --before {page.next}", err=True)
    return int(not page.hits)


@click.command()
@click.option(
    "--after", type=click.IntRange(min=0), help="Begin behind this event; else with what comes now."
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that remembers the last event printed: the next run goes on behind it.",
)
@click.option("--kind", default="", help="Only kinds that begin so: message., conversation.assigned, …")
@click.option("--count", type=click.IntRange(min=1), help="End after so many.")
@json_option
@at_server
def tail(
    server: Server, after: int | None, state: Path | None, kind: str, count: int | None, as_json: bool
) -> int:
    """What happens, a line for each event, each once and in order, over any number of connections.

    An event counts as printed when the line has left us: after a kill between the two it comes once more.
    """
    begin = after
    if after is None and state is not None and state.exists():
        begin = _remembered(state)
    try:
        return server.run(lambda client: _Tail(client, server.where, state, kind, count, as_json).run(begin))
    except BrokenPipeError:
        # Whoever read has heard enough. What is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _remembered(state: Path) -> int:
    text = state.read_text(encoding="utf-8").strip()
    if not text.isascii() or not text.isdigit():
        raise CommandError(
            "it holds no number of an event", where=str(state), hint="remove it", code=Code.USAGE
        )
    return int(text)


class _Tail:
    """Prints until it is stopped, or `count` events are out."""

    def __init__(
        self,
        client: ServerClient,
        where: str,
        state: Path | None,
        kind: str,
        count: int | None,
        as_json: bool,
    ) -> None:
        self._client = client
        self._where = where
        self._state = state
        self._kind = kind
        self._left = count
        self._as_json = as_json
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, begin: int | None) -> int:
        hello: Hello = await self._client.hello()  # no server, or none for us: said at once
        self._client.seq = hello.seq if begin is None else begin
        if begin is None:
            self._remember(hello.seq)
        listening = asyncio.ensure_future(self._client.listen(self._heard, self._link))
        try:
            both: set[asyncio.Future[Any]] = {listening, self._ended}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
            return self._ended.result() if self._ended.done() else int(Code.REFUSED)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _heard(self, envelope: Envelope) -> None:
        if self._ended.done():
            return
        try:
            self._print(envelope)
        except OSError as error:  # to `listen` it would look like a lost connection
            self._ended.set_exception(error)

    def _print(self, envelope: Envelope) -> None:
        from omni_console.commands import spoken

        if envelope.type == "reset":
            click.echo(
                f"the log does not reach back so far: what was before {envelope.seq} is left out", err=True
            )
        elif envelope.type == "event":
            if envelope.kind.startswith(self._kind):
                click.echo(json_line(_told(envelope)) if self._as_json else spoken.event(envelope))
                sys.stdout.flush()
                if self._left is not None:
                    self._left -= 1
            self._remember(envelope.seq)
            if self._left == 0:
                self._ended.set_result(0)

    def _link(self, link: Link) -> None:
        if link.state != "online":
            click.echo(f"{link.state}: {plain(link.why)}", err=True)

    def _remember(self, seq: int) -> None:
        if self._state is not None:
            fresh = self._state.with_name(self._state.name + ".new")
            fresh.write_text(f"{seq}\n", encoding="utf-8")
            fresh.replace(self._state)


def _told(envelope: Envelope) -> dict[str, Any]:
    return {"seq": envelope.seq, "kind": envelope.kind, "at": envelope.at, "body": envelope.body}
