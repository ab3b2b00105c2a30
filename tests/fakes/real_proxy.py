"""Caddy and nginx as Debian ships them, with the recipes of deploy/ on free ports of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CERTIFICATE = ROOT / "tests" / "fakes" / "loopback-cert.pem"
KEY = ROOT / "tests" / "fakes" / "loopback-key.pem"
PACKAGES = {"caddy": "caddy", "nginx": "nginx-light"}


def require_program(name: str) -> str:
    """Its path; skips the test where Debian's package is missing, fails there under CI."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        text = f"{name} is not installed: apt-get install {PACKAGES[name]}"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def replaced(text: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        assert old in text, f"{old!r} is not in the recipe (any more)"
        text = text.replace(old, new)
    return text


class RealProxy:
    """`kind`: caddy or nginx. `url` is where TLS is spoken; the server is sought on `upstream_port`.

    `figures`: the operators' socket, whose figures Caddy then serves on `figures_url`.
    """

    def __init__(self, kind: str, folder: Path, upstream_port: int, figures: Path | None = None) -> None:
        self.kind = kind
        self.program = require_program(kind)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self._figures = figures
        self._figures_port = free_port()
        self.figures_url = f"http://127.0.0.1:{self._figures_port}"
        self._folder = folder
        self._log = folder / "proxy.log"
        self._process: subprocess.Popen[bytes] | None = None
        command = self._caddy(upstream_port) if kind == "caddy" else self._nginx(upstream_port)
        self._command = [self.program, *command]

    def _caddy(self, upstream_port: int) -> list[str]:
        here = f"https://localhost:{self.port} {{\n\tbind 127.0.0.1\n\ttls {CERTIFICATE} {KEY}"
        recipe = replaced(
            (ROOT / "deploy" / "Caddyfile").read_text(),
            {
                "help.example.org {": here,
                "127.0.0.1:8480": f"127.0.0.1:{upstream_port}",
            },
        )
        if self._figures is not None:
            recipe += replaced(
                (ROOT / "deploy" / "metrics.Caddyfile").read_text(),
                {
                    "127.0.0.1:9480": f"127.0.0.1:{self._figures_port}",
                    "/run/omni/omni.sock": str(self._figures),
                },
            )
        path = self._folder / "Caddyfile"
        path.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + recipe)
        return ["run", "--config", str(path), "--adapter", "caddyfile"]

    def _nginx(self, upstream_port: int) -> list[str]:
        recipe = replaced(
            (ROOT / "deploy" / "nginx.conf").read_text(),
            {
                "listen 80;": f"listen 127.0.0.1:{free_port()};",
                "listen 443": f"listen 127.0.0.1:{self.port}",
                "server_name help.example.org": "server_name localhost",
                "/etc/letsencrypt/live/help.example.org/fullchain.pem": str(CERTIFICATE),
                "/etc/letsencrypt/live/help.example.org/privkey.pem": str(KEY),
                "127.0.0.1:8480": f"127.0.0.1:{upstream_port}",
            },
        )
        temporary = "\n".join(
            f"{name}_temp_path {self._folder / name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        path = self._folder / "nginx.conf"
        path.write_text(
            f"daemon off;\nmaster_process off;\npid {self._folder / 'nginx.pid'};\nerror_log stderr;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{recipe}\n}}\n"
        )
        return ["-p", str(self._folder), "-c", str(path)]

    def start(self) -> None:
        environ = {**os.environ, "HOME": str(self._folder), "XDG_DATA_HOME": str(self._folder / "data")}
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environ)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"{self.kind} did not start: {self._log.read_text()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
