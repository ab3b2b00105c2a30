"""A real Postfix for tests, with its own configuration and queue: it delivers into a Dovecot's Maildirs,
and what it cannot deliver comes back as the reports that real mail servers write.

Debian's Postfix wants root to start; there it runs with a directory of its own and touches no other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from socket import create_connection

import pytest

from tests.fakes.dovecot import Dovecot, free_port

_MAIN = """
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {root}/postfix.log
maillog_file_prefixes = {root}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_mailbox_base = {mail}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
# Refused at once: refused.example. Taken first, and reported later: what the next server refuses
# (gone.example), and what nobody answers for (slow.example).
transport_maps = inline:{{ {{refused.example = error:5.1.2 nothing is taken for that domain}},
  {{gone.example = smtp:[127.0.0.1]:{next_port}}}, {{slow.example = smtp:[127.0.0.1]:{closed_port}}} }}
default_transport = error:5.4.4 this Postfix delivers nothing elsewhere
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
delay_warning_time = 1s
smtp_tls_security_level = none
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  1  1  qmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
smtp      unix  -  -  n  -  -  smtp
virtual   unix  -  n  n  -  -  virtual
proxymap  unix  -  -  n  -  -  proxymap
anvil     unix  -  -  n  -  1  anvil
postlog   unix-dgram n - n - 1 postlogd
"""


def require_postfix() -> str:
    """Path of the program; skips where Debian's package or root is missing, fails there under CI."""
    found = shutil.which("postfix") or shutil.which("postfix", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        text = "Postfix is not installed: apt-get install postfix"
    elif os.geteuid() != 0:
        text = "Postfix (package postfix) is started by root only"
    else:
        return found
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


class Postfix:
    """`boxes`: which address is delivered into which of Dovecot's mailboxes. `next_port`: where the SMTP
    server of gone.example listens."""

    def __init__(self, dovecot: Dovecot, boxes: Mapping[str, str], next_port: int) -> None:
        program = require_postfix()
        self.port = free_port()
        self.root = Path(tempfile.mkdtemp(prefix="pf"))
        self.root.chmod(0o755)
        dovecot.directory.chmod(0o755)
        for name in ("conf", "queue", "data"):
            (self.root / name).mkdir()
        shutil.chown(self.root / "data", "postfix")
        owner = (dovecot.directory / "mail").stat()
        for box in boxes.values():
            for name in ("", "tmp", "new", "cur"):
                folder = dovecot.directory / "mail" / box / name
                folder.mkdir(exist_ok=True, parents=True)
                os.chown(folder, owner.st_uid, owner.st_gid)
        maps = ", ".join(f"{{{address} = {box}/}}" for address, box in boxes.items())
        (self.root / "conf" / "main.cf").write_text(
            _MAIN.format(
                root=self.root,
                mail=dovecot.directory / "mail",
                domains=", ".join(sorted({address.partition("@")[2] for address in boxes})),
                boxes=maps,
                next_port=next_port,
                closed_port=free_port(),
                uid=owner.st_uid,
                gid=owner.st_gid,
            )
        )
        (self.root / "conf" / "master.cf").write_text(_MASTER.format(port=self.port))
        self._command = [program, "-c", str(self.root / "conf")]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, "start-fg"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with closing(create_connection(("127.0.0.1", self.port), timeout=2)) as link:
                    if link.recv(4).startswith(b"220"):
                        return
            except OSError:
                time.sleep(0.05)
        log = self.root / "postfix.log"
        raise RuntimeError(f"Postfix did not start: {log.read_text() if log.exists() else 'no log'}")

    def close(self) -> None:
        if self._process is not None:
            subprocess.run([*self._command, "abort"], check=False, capture_output=True, timeout=20)
            self._process.wait(20)
        shutil.rmtree(self.root, ignore_errors=True)
