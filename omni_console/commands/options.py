"""--config and --socket, and what they lead to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.settings import Config, ServerSettings


@dataclass
class Options:
    """What was given on the command line. Set `--config` and `--socket` before or after the subcommand."""

    config: Path | None = None
    socket: Path | None = None

    def load(self) -> Config:
        """The whole configuration, with its secrets. Raises server.config.ConfigError."""
        from server.config import find_config, load

        return load(find_config(self.config))

    def server(self) -> ServerSettings:
        """`[server]` alone: the secrets of channels need not be readable. Raises ConfigError."""
        from server.config import find_config, load_server

        return load_server(find_config(self.config))

    def socket_path(self) -> Path:
        """--socket, $OMNI_SOCKET, the configuration's socket, then the usual places.

        An operator often may not read the server's configuration: only one that was named must be readable.
        """
        from server.config import find_config, load_server
        from server.tables import ConfigError

        if self.socket is not None:
            return self.socket.absolute()
        if named := os.environ.get("OMNI_SOCKET"):
            return Path(named).absolute()
        if self.config is not None or os.environ.get("OMNI_CONFIG"):
            return load_server(find_config(self.config)).socket
        places = socket_places()
        try:
            places.insert(0, load_server(find_config()).socket)
        except ConfigError:
            # Nothing readable: the usual places are all there is to go by.
            return next((place for place in places if place.exists()), places[0])
        return places[0]


def socket_places() -> list[Path]:
    """Where a server's socket is when nobody says: its user's run-time directory, then the system's."""
    import platformdirs

    runtime = os.environ.get("XDG_RUNTIME_DIR")
    user = Path(runtime) / "omni" if runtime else Path(platformdirs.user_data_dir("omni"))
    return [user / "omni.sock", Path("/run/omni/omni.sock")]
