from __future__ import annotations

import gc
from pathlib import Path

import click

from omni_console.commands.options import Options
from omni_console.commands.reach import no_authorities, place


@click.command()
@click.option("--url", help="A server on another host: https://HOST:8481, with --token-file.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Where the token for --url is; mode 600.")
@click.option("--lang", type=click.Choice(["en", "ru"]), help="Language; by itself that of the environment.")
@click.option("--keys", type=click.Path(path_type=Path), help="A file with keys of your own.")
@click.option("--mouse/--no-mouse", default=True, help="Without it the terminal selects and copies as usual.")
@click.option("--tour", is_flag=True, help="The first steps, one line each.")
@click.pass_obj
def console(
    options: Options,
    url: str | None,
    token_file: Path | None,
    lang: str | None,
    keys: Path | None,
    mouse: bool,
    tour: bool,
) -> int:
    """Open the operator console.

    The server is found by --socket, $OMNI_SOCKET, the configuration, $XDG_RUNTIME_DIR/omni, /run/omni.
    Over ssh: ssh -t HOST omni console. Over TCP: --url and --token-file.
    """
    gc.disable()  # what is made on the way to the first screen stays: looking it through costs a tenth of it
    server = place(options, url, token_file)
    if server.socket is not None:
        with no_authorities():
            from omni_console.app import run_console
        return run_console(server.socket, language=lang, mouse=mouse, keys_path=keys, tour=tour)
    from omni_console.app import run_console
    from omni_console.commands.distant import knock

    knock(server.url, server.token)
    return run_console(
        None,
        url=server.url,
        token=server.token,
        language=lang,
        mouse=mouse,
        keys_path=keys,
        tour=tour,
    )
