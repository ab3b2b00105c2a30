"""The units of deploy/ under a real systemd: they start, serve, hold their sandbox, come back, and stop."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.systemd_host import SystemdHost, why_not

# A parser that a mail has taken over: what can it reach?
HOSTILE = """\
import ctypes, os, socket
from channels.base import InboundEvent, Sender

libc = ctypes.CDLL(None)
TRIES = {
    "network": lambda: socket.socket(socket.AF_INET),
    "configuration": lambda: open("/etc/omni/omni.toml"),
    "messages": lambda: os.listdir("/var/lib/omni"),
    "operators": lambda: socket.socket(socket.AF_UNIX).connect("/run/omni/omni.sock"),
    "homes": lambda: os.listdir("/root"),
    "programs": lambda: open("/opt/omni/bin/omni", "a"),
    "system": lambda: open("/usr/x", "w"),
    "server": lambda: open(f"/proc/{os.environ.get('SERVER', '1')}/environ", "rb").read(),
    "root": lambda: os.setuid(0),
    "namespaces": lambda: 1 / (libc.unshare(0x10000000) + 1),
    "mounts": lambda: 1 / (libc.mount(b"x", b"/tmp", b"tmpfs", 0, None) + 1),
}

def parse(raw, meta):
    reached = []
    for name, attempt in TRIES.items():
        try:
            attempt()
        except Exception:
            continue
        reached.append(name)
    text = f"reached: {reached}"
    return [InboundEvent(kind="message", dedupe_key="1", sender=Sender(external_id="x"), text=text)]
"""

ASK = """\
import asyncio, sys
sys.path[:0] = ["/opt/omni/source", "/opt/omni/site"]
from pathlib import Path
from server.parsing.distant import DistantParser
from server.version import product_version

async def main():
    parser = DistantParser(Path("/run/omni-mail-worker/parse.sock"), product_version())
    [[event]] = await parser.parse([(sys.argv[1], b"From: a@b.example\\r\\n\\r\\nhello\\r\\n", {})], 20)
    print(event.text)

asyncio.run(main())
"""

SCRIPT = r"""
say() { echo "$1=$2"; }
waits() { for _ in $(seq 100); do "$@" && return; sleep 0.1; done; }
status() { grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/$1/status | tr -d '\t' | tr '\n' ' '; }
healthy() { [ "$(curl -s -o /dev/null -w %{http_code} http://127.0.0.1:8480/healthz)" = 200 ]; }
ask() {
  setpriv --reuid=$1 --regid=$(id -g $1) --clear-groups /opt/omni/bin/python3 -I /opt/ask.py $2 2>&1 | tail -1
}
net() { readlink /proc/$1/ns/net; }

say process_1 "$(cat /proc/1/comm)"
systemd-tmpfiles --create omni.conf
/opt/omni/bin/omni init --yes --account omni --group support >&2
setpriv --reuid=omni --regid=omni --init-groups /opt/omni/bin/omni \
  operators add omni --name backup --role admin >&2
sed -i 's/^#parse_worker = /parse_worker = /' /etc/omni/omni.toml
systemctl start omni-mail-worker.socket omni.service
say started "$(systemctl is-active omni.service)"
say public "$(curl -s -o /dev/null -w %{http_code} http://127.0.0.1:8480/healthz)"
say operators "$(curl -s -o /dev/null -w %{http_code} --unix-socket /run/omni/omni.sock http://omni/readyz)"
say socket "$(stat -c '%a %U %G' /run/omni/omni.sock)"
server=$(systemctl show -P MainPID omni.service)
say server_is "$(stat -c %U /proc/$server) $(status $server)"

say worker_before "$(systemctl is-active omni-mail-worker.service)"
say worker_says "$(ask omni channels.email.parse:parse)"
say worker_after "$(systemctl is-active omni-mail-worker.service)"
say others_may "$(ask nobody channels.email.parse:parse | grep -o 'Permission denied')"
worker=$(systemctl show -P MainPID omni-mail-worker.service)
say worker_is "$(stat -c %U /proc/$worker) $(status $worker)"
say worker_net "$([ $(net $worker) = $(net 1) ] && echo shared || echo own)"
say worker_limits "$(systemctl show -P MemoryMax -P TasksMax omni-mail-worker | tr '\n' ' ')"
say hostile "$(ask omni hostile:parse)"
kill -9 $worker
say worker_again "$(ask omni channels.email.parse:parse)"

kill -9 $server
waits healthy
say came_back "$(systemctl is-active omni.service) $(systemctl show -P NRestarts omni.service)"
systemctl start omni-backup.service
say backup "$(systemctl show -P Result omni-backup.service) $(ls /var/backups/omni | wc -l)"
# An open chat, and a console that listens, must not hold it up: systemd itself judges the ten seconds.
curl -sN --unix-socket /run/omni/omni.sock -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
  -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
  http://omni/v1/events > /dev/null &
systemctl stop omni.service
say stopped "$(systemctl show -P Result omni.service) $(systemctl show -P ExecMainStatus omni.service)"
systemctl stop omni-mail-worker.socket omni-mail-worker.service
say worker_stopped "$(systemctl show -P Result omni-mail-worker.service)"
say failed "$(systemctl --failed --no-legend list-units 'omni*' | wc -l)"
journalctl --sync
journalctl --no-pager >&2
"""


def test_the_units_run_under_systemd(tmp_path: Path) -> None:
    missing = why_not()
    if missing or os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail(missing or "booting a machine needs root")
        pytest.skip(missing or "booting a machine needs root")
    host = SystemdHost(tmp_path)
    host.write("/opt/ask.py", ASK)
    host.write("/opt/omni/more/hostile.py", HOSTILE)
    host.write("/etc/systemd/system/omni.service.d/test.conf", "[Service]\nTimeoutStopSec=10\n")
    said = dict(line.split("=", 1) for line in host.run(SCRIPT).splitlines())
    powerless = "CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2 "
    assert said == {
        "process_1": "systemd",
        "started": "active",
        "public": "200",
        "operators": "200",
        "socket": "660 omni support",
        "server_is": f"omni {powerless}",
        "worker_before": "inactive",
        "worker_says": "hello",
        "worker_after": "active",
        "others_may": "Permission denied",
        "worker_is": f"omni-mail-worker {powerless}",
        "worker_net": "own",
        "worker_limits": f"{1536 * 1024 * 1024} 64 ",
        "hostile": "reached: []",
        "worker_again": "hello",
        "came_back": "active 1",
        "backup": "success 1",
        "stopped": "success 0",
        "worker_stopped": "success",
        "failed": "0",
    }, host.errors()
