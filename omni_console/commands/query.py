"""A query as it comes from a shell: words, of which some were quoted there; days are this machine's."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.timing import Clock
from server.protocol.query import QueryError, dated, parse, written


class QueryCommand(click.Command):
    """Words that begin with one hyphen are to be excluded, and no bundles of short options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        excluded = [word for word in args if len(word) > 2 and word[0] == "-" != word[1]]
        rest = [word for word in args if word not in excluded]
        return super().parse_args(ctx, [*rest, *([] if "--" in rest else ["--"]), *excluded])


_VALUE_OF_WORDS = re.compile(r'(-?[^\W\d_]+):([^"]*\s[^"]*)')


def asked(words: Sequence[str], clock: Clock | None = None) -> str:
    """As the server is asked. Raises CommandError."""
    clock = clock or Clock()
    # The shell took the quotes away: from:"Anna Schmidt" is one word here, with a space in it.
    typed = " ".join(_VALUE_OF_WORDS.sub(r'\1:"\2"', word) for word in words)
    try:
        return written(dated(parse(typed), clock.local(clock.now())))
    except QueryError as error:
        raise CommandError(error.message, hint=error.hint, code=Code.USAGE) from error
