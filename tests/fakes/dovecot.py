"""A real Dovecot for tests: started as an unprivileged user, on a free port, with its own directory.

Every user name logs in with the password `secret`, so that each test takes a fresh mailbox.
"""

from __future__ import annotations

import asyncio
import base64
import grp
import hmac
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

PASSWORD = "secret"

_CONFIG = """
base_dir = {run}
state_dir = {state}
log_path = {log}
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{ssl_files}
disable_plaintext_auth = no
auth_mechanisms = plain login {mechanisms}
auth_failure_delay = 0
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 0
mail_location = maildir:{mail}/%u
mail_max_userip_connections = 50
mail_fsync = never
{tokens}
passdb {{
  driver = static
  args = password=secret
  mechanisms = plain login
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mail}/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
{folders}}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = {listener_ssl}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
protocol imap {{
  imap_idle_notify_interval = 2 mins
  imap_capability = {capability}
}}
"""

_SENT = """  mailbox "{name}" {{
    special_use = \\Sent
    auto = create
  }}
"""

_TOKENS = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = sub
"""


def signed_token(key: bytes, user: str, lives_s: int = 3600) -> str:
    """An access token (JWT, HS256) as `token_key` takes it."""
    now = int(time.time())
    claims = {"sub": user, "exp": now + lives_s, "iat": now - 10, "nbf": now - 10}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    mac = hmac.new(key, b".".join(parts), "sha256").digest()
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


def require_dovecot() -> str:
    """Path of the program; skips the test where Debian's package is missing, fails there under CI."""
    found = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        text = "Dovecot is not installed: apt-get install dovecot-imapd"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Dovecot:
    """`port` stays the same over restart(), so that a client can find it again."""

    def __init__(
        self,
        certificate: tuple[Path, Path] | None = None,
        idle: bool = True,
        token_key: bytes = b"",
        sent: str = "",
    ) -> None:
        """`token_key` lets it take access tokens signed with that key (XOAUTH2); `sent` names the folder
        that it marks as \\Sent."""
        self.program = require_dovecot()
        # Unix sockets have short names: pytest's directories are too deep for them.
        self.directory = Path(tempfile.mkdtemp(prefix="dc"))
        self.port = free_port()
        self.tls_port = free_port() if certificate else 0
        root = os.geteuid() == 0
        self._user = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(self._user.pw_gid).gr_name
        self._prefix = (
            ["setpriv", f"--reuid={self._user.pw_name}", f"--regid={group}", "--clear-groups"] if root else []
        )
        for name in ("run", "state", "mail"):
            (self.directory / name).mkdir()
        files = ""
        if certificate:
            # Copied: the unprivileged user need not be able to read the checkout.
            for source, name in zip(certificate, ("cert.pem", "key.pem"), strict=True):
                shutil.copy(source, self.directory / name)
            files = f"ssl_cert = <{self.directory}/cert.pem\nssl_key = <{self.directory}/key.pem"
        tokens = ""
        if token_key:
            keys = self.directory / "keys" / "default" / "HS256"
            keys.mkdir(parents=True)
            (keys / "default").write_bytes(base64.b64encode(token_key))
            (self.directory / "oauth2.conf").write_text(_TOKENS.format(keys=self.directory / "keys"))
            tokens = (
                "passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n"
                f"  args = {self.directory}/oauth2.conf\n}}"
            )
        (self.directory / "dovecot.conf").write_text(
            _CONFIG.format(
                run=self.directory / "run",
                state=self.directory / "state",
                log=self.directory / "dovecot.log",
                mail=self.directory / "mail",
                ssl="yes" if certificate else "no",
                ssl_files=files,
                listener_ssl="yes" if certificate else "no",
                user=self._user.pw_name,
                group=group,
                port=self.port,
                tls_port=self.tls_port,
                mechanisms="xoauth2" if token_key else "",
                tokens=tokens,
                folders=_SENT.format(name=sent) if sent else "",
                capability="" if idle else "IMAP4rev1 UIDPLUS",
            )
        )
        for path in (self.directory, *self.directory.rglob("*")):
            os.chown(path, self._user.pw_uid, self._user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = str(self.directory / "dovecot.conf")
        self._process = subprocess.Popen([*self._prefix, self.program, "-F", "-c", config])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with closing(socket.create_connection(("127.0.0.1", self.port), timeout=1)) as link:
                    if link.recv(4) == b"* OK":
                        return
            except OSError:
                time.sleep(0.02)
        log = self.directory / "dovecot.log"
        raise RuntimeError(f"Dovecot did not start: {log.read_text() if log.exists() else 'no log'}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def sessions(self, user: str) -> list[int]:
        """Process ids of the IMAP sessions of one user, found by the directory that they work in."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                name = (entry / "comm").read_text().strip()
                opened = [os.readlink(link) for link in (entry / "fd").iterdir()]
            except OSError:
                continue
            if name == "imap" and any(f"{self.directory}/mail/{user}/" in path for path in opened):
                found.append(int(entry.name))
        return found

    def signal_sessions(self, user: str, number: signal.Signals) -> int:
        pids = self.sessions(user)
        for pid in pids:
            os.kill(pid, number)
        return len(pids)

    def deliver(self, user: str, raw: bytes, count: int = 0) -> None:
        """As a local delivery agent does: written to tmp/, renamed into new/."""
        box = self.directory / "mail" / user
        if not (box / "new").is_dir():
            for name in ("", "tmp", "new", "cur"):
                (box / name).mkdir(exist_ok=True, parents=True)
                os.chown(box / name, self._user.pw_uid, self._user.pw_gid)
        name = f"{time.time_ns()}.M{count}P{os.getpid()}.test"
        (box / "tmp" / name).write_bytes(raw)
        os.chown(box / "tmp" / name, self._user.pw_uid, self._user.pw_gid)
        (box / "tmp" / name).rename(box / "new" / name)

    async def command(self, user: str, *lines: bytes) -> bytes:
        """Speak IMAP by hand: log in, send the lines (literals included), return everything answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answers = [await reader.readline()]
        try:
            for index, line in enumerate((b"LOGIN " + user.encode() + b" " + PASSWORD.encode(), *lines)):
                tag = b"t%d" % index
                head, separator, literal = line.partition(b"\n")
                writer.write(tag + b" " + head + (b" {%d}" % len(literal) if separator else b"") + b"\r\n")
                if separator:
                    answers.append(await reader.readline())
                    writer.write(literal + b"\r\n")
                while True:
                    answer = await asyncio.wait_for(reader.readline(), 10)
                    answers.append(answer)
                    if not answer or answer.startswith(tag + b" "):
                        break
        finally:
            writer.close()
        return b"".join(answers)
