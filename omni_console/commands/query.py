"""A query as it comes from a shell: words, of which some were quoted there; days are this machine's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.timing import Clock
from server.protocol.query import DATES, Query, QueryError, dated, parse, written

if TYPE_CHECKING:
    from omni_console.client import ServerClient


class QueryCommand(click.Command):
    """Words that begin with one hyphen are to be excluded, and no bundles of short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        excluded = [word for word in args if len(word) > 2 and word[0] == "-" != word[1]]
        rest = [word for word in args if word not in excluded]
        return super().parse_args(ctx, [*rest, *([] if "--" in rest else ["--"]), *excluded])


_VALUE_OF_WORDS = re.compile(r'(-?[^\W\d_]+):([^"]*\s[^"]*)')


def asked(words: Sequence[str]) -> Query:
    """Raises CommandError."""
    # The shell took the quotes away: from:"Anna Schmidt" is one word here, with a space in it.
    return parsed(" ".join(_VALUE_OF_WORDS.sub(r'\1:"\2"', word) for word in words))


def parsed(typed: str) -> Query:
    """Raises CommandError."""
    try:
        query = parse(typed)
        dated(query, datetime.now(UTC))  # are its dates such?
        return query
    except QueryError as error:
        raise CommandError(error.message, hint=error.hint, code=Code.USAGE) from error


async def sent(query: Query, client: ServerClient, clock: Clock | None = None) -> str:
    """As the server is asked: "yesterday" is this machine's, by the server's clock."""
    if not query.of(*DATES):
        return written(query)
    clock = clock or Clock()
    clock.set_by((await client.hello()).now)
    return written(dated(query, clock.local(clock.now())))
