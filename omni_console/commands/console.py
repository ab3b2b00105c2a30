from __future__ import annotations

import click

from omni_console.commands.options import Options


@click.command()
@click.pass_obj
def console(options: Options) -> int | None:
    """Open the operator console.

    The server is found by --socket, $OMNI_SOCKET, the configuration, $XDG_RUNTIME_DIR/omni, /run/omni.
    Over ssh: ssh -t HOST omni console
    """
    from omni_console.app import run_console

    return run_console(options.socket_path())
