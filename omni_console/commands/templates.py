"""`omni templates`: texts kept ready, for everybody's console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from omni_console.commands.answering import words
from omni_console.commands.errors import Code, CommandError, plain
from omni_console.commands.output import json_option, moment, print_json, print_table
from omni_console.commands.reach import Server, at_server

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import Template


@click.group()
def templates() -> None:
    """Texts kept ready, put into a reply by their short code."""


@templates.command(name="list")
@json_option
@at_server
def list_(server: Server, as_json: bool) -> None:
    """All templates with their wordings."""
    found = server.run(lambda client: client.templates.everything())
    if as_json:
        print_json(found)
    elif not found:
        click.echo("there are no templates", err=True)
    else:
        print_table(
            ("CODE", "TITLE", "LANGUAGE", "ON", "CHANGED", "BY", "TEXT"),
            [
                (
                    one.code,
                    one.title,
                    variant.language or "any",
                    variant.on or "all",
                    moment(one.updated_at),
                    one.by,
                    " ".join(variant.text.split()),
                )
                for one in found
                for variant in one.variants
            ],
        )


@templates.command(name="set")
@click.argument("code")
@click.option("--title", help="What the list calls it; the code, if not given.")
@click.option("--language", default="", help="For whom speaks this: ru, pt-BR. Not given: for everybody.")
@click.option(
    "--on", default="", help="For this channel, or medium (chat, messenger, email). Not given: for all."
)
@click.option("--asks", multiple=True, help="What it asks the customer for: phone, email, a field's name.")
@click.option("-m", "--message", "text", help="The words; else standard input is read to its end.")
@at_server
def set_(
    server: Server,
    code: str,
    title: str | None,
    language: str,
    on: str,
    asks: tuple[str, ...],
    text: str | None,
) -> None:
    """Write one wording of a template; its others stay. {name}, {order.number} and the like are filled in."""
    from server.protocol import NamedTemplate, Variant

    said = words(text)

    async def put(client: ServerClient) -> Template:
        known = {one.code: one for one in await client.templates.everything()}.get(code.casefold())
        others = [
            one
            for one in (known.variants if known is not None else [])
            if (one.language.casefold(), one.on) != (language.casefold(), on)
        ]
        wanted = NamedTemplate(
            code=code,
            title=title or (known.title if known is not None else code),
            variants=[*others, Variant(text=said, language=language, on=on)],
            asks=list(asks) or (known.asks if known is not None else []),
        )
        [made] = await client.templates.put([wanted])
        return made

    made = server.run(put)
    click.echo(plain(f"{made.code}: {len(made.variants)} wordings"))


@templates.command()
@click.argument("codes", metavar="CODE…", nargs=-1, required=True)
@at_server
def remove(server: Server, codes: tuple[str, ...]) -> None:
    """Take templates away."""

    async def work(client: ServerClient) -> None:
        for code in codes:
            gone = await client.templates.remove(code)
            click.echo(plain(f"{gone.code} is gone"))

    server.run(work)


@templates.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@at_server
def import_(server: Server, file: Path) -> None:
    """Bring in templates of FILE.toml (docs/operating.md): all, or none where one is wrong.

    Those that it names become exactly what it says; all others stay.
    """
    from omni_console import templates_file

    try:
        wanted = templates_file.read(file.read_bytes())
    except templates_file.UnreadableError as error:
        hint = "write it as docs/operating.md shows"
        raise CommandError(str(error), where=str(file), hint=hint, code=Code.USAGE) from error
    made = server.run(lambda client: client.templates.put(wanted))
    click.echo(f"{len(made)} templates")
