from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from omni_console.commands.errors import plain
from omni_console.commands.options import Options
from omni_console.commands.output import json_option, print_json


@click.group()
def config() -> None:
    """Show the configuration that is in force."""


@config.command()
@json_option
@click.pass_obj
def show(options: Options, as_json: bool) -> None:
    """Every setting with its default filled in; of a secret only where it is and its fingerprint."""
    from server.config import show as plain_config

    shown = plain_config(options.load())
    if as_json:
        print_json(shown)
        return
    click.echo(f"# {plain(str(shown.pop('config_path')))}")
    for line in _lines("", shown):
        click.echo(line)


def _lines(table: str, values: Mapping[str, Any]) -> list[str]:
    """As TOML: plain keys first, then the tables below."""
    keys = [
        f"{name} = {plain(json.dumps(value, ensure_ascii=False))}"
        for name, value in values.items()
        if not isinstance(value, Mapping) and value is not None
    ]
    lines = ["", f"[{table}]", *keys] if keys and table else keys
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += _lines(f"{table}.{name}" if table else name, value)
    return lines
