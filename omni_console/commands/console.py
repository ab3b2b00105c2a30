from __future__ import annotations

from pathlib import Path

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options


@click.command()
@click.option("--url", help="A server on another host: https://HOST:8481, with --token-file.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Where the token for --url is; mode 600.")
@click.option("--lang", type=click.Choice(["en", "ru"]), help="Language; by itself that of the environment.")
@click.option("--keys", type=click.Path(path_type=Path), help="A file with keys of your own.")
@click.option("--mouse/--no-mouse", default=True, help="Without it the terminal selects and copies as usual.")
@click.pass_obj
def console(
    options: Options,
    url: str | None,
    token_file: Path | None,
    lang: str | None,
    keys: Path | None,
    mouse: bool,
) -> int:
    """Open the operator console.

    The server is found by --socket, $OMNI_SOCKET, the configuration, $XDG_RUNTIME_DIR/omni, /run/omni.
    Over ssh: ssh -t HOST omni console. Over TCP: --url and --token-file.
    """
    from omni_console.app import run_console

    if url is None and token_file is None:
        return run_console(str(options.socket_path()), language=lang, mouse=mouse, keys_path=keys)
    if url is None or token_file is None:
        raise CommandError("--url and --token-file belong together", code=Code.USAGE)
    if options.socket is not None:
        raise CommandError("--socket and --url name two servers: give one", code=Code.USAGE)
    from omni_console.commands.distant import checked_url, knock, read_token

    where, token = checked_url(url), read_token(token_file)
    knock(where, token)
    return run_console(None, url=where, token=token, language=lang, mouse=mouse, keys_path=keys)
