from __future__ import annotations

from pathlib import Path

import click

from omni_console.commands.options import Options


@click.command()
@click.option("--lang", type=click.Choice(["en", "ru"]), help="Language; by itself that of the environment.")
@click.option("--keys", type=click.Path(path_type=Path), help="A file with keys of your own.")
@click.option("--mouse/--no-mouse", default=True, help="Without it the terminal selects and copies as usual.")
@click.pass_obj
def console(options: Options, lang: str | None, keys: Path | None, mouse: bool) -> int:
    """Open the operator console.

    The server is found by --socket, $OMNI_SOCKET, the configuration, $XDG_RUNTIME_DIR/omni, /run/omni.
    Over ssh: ssh -t HOST omni console
    """
    from omni_console.app import run_console

    return run_console(str(options.socket_path()), language=lang, mouse=mouse, keys_path=keys)
