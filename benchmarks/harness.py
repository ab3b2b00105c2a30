"""A server to measure, as a process of its own, and senders that cost little themselves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from channels.webhook import standard
from server.store import offline

SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
KEY = standard.read_secret(SECRET)
START_S = 30.0


def configure(folder: Path) -> Path:
    """A configuration with one webhook channel and limits out of the way; its path."""
    path = folder / "omni.toml"
    path.write_text(
        """
[server]
data_dir = "data"
socket = "run/omni.sock"
log_level = "warning"

[public]
listen = "127.0.0.1:0"

[public.limits]
requests_per_second = 1000000
request_burst = 1000000
hooks_per_second = 1000000
hook_burst = 1000000

[channels.hook]
kind = "webhook"
secrets = ["env:OMNI_BENCHMARK"]
""",
        encoding="utf-8",
    )
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    return path


def make_operator(folder: Path) -> None:
    offline.create(folder / "data")
    offline.add_operator(folder / "data", "bench", "Bench", "admin", os.getuid())


@contextlib.contextmanager
def running(arguments: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start `python ARGUMENTS --ready-fd N`; (process, the URL it said it serves)."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, *arguments, "--ready-fd", str(writing)],
        pass_fds=[writing],
        env={**os.environ, "OMNI_BENCHMARK": SECRET},
    )
    os.close(writing)
    try:
        with open(reading, encoding="utf-8") as ready:
            url = ready.readline().strip()
        if not url:
            raise RuntimeError(f"{arguments} did not start")
        yield process, url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def signed_request(url: str, sender: int, text: str) -> bytes:
    """A whole HTTP/1.1 request, signed now."""
    body = json.dumps(
        {
            "type": "message",
            "data": {
                "conversation_key": f"sender-{sender}",
                "sender": {"id": f"sender-{sender}", "name": f"Sender {sender}"},
                "text": text,
            },
        }
    ).encode()
    webhook_id = f"msg_{secrets.token_hex(12)}"
    headers = standard.headers([KEY], webhook_id, int(time.time()), body)
    lines = [
        "POST /hooks/hook HTTP/1.1",
        f"Host: {url.removeprefix('http://')}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def send_all(url: str, requests: list[bytes], senders: int) -> list[float]:
    """Send every request over `senders` kept-alive connections; seconds that each waited for its 200."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    waits: list[float] = []
    todo = iter(requests)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            for request in todo:
                began = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                waits.append(time.perf_counter() - began)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"not acknowledged: {head[:80]!r}")
                length = _content_length(head)
                if length:
                    await reader.readexactly(length)
        finally:
            writer.close()
            await writer.wait_closed()

    await asyncio.gather(*(one() for _ in range(senders)))
    return waits


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rss_mb(pid: int) -> float:
    """Resident memory of one process, in MB of 10^6 bytes, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"no VmRSS for {pid}")


def until_idle(pid: int, most_s: float = 180) -> None:
    """Until a process hardly used the processor for two seconds: what it found to do at its start is done."""
    begun, used = time.monotonic(), _cpu_s(pid)
    while True:
        time.sleep(2)
        before, used = used, _cpu_s(pid)
        if used - before < 0.1:
            return
        if time.monotonic() - begun > most_s:
            raise RuntimeError(f"process {pid} is still busy after {most_s:.0f} s")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def raw_sqlite_per_s(folder: Path, messages: int = 600) -> float:
    """Five inserts and a COMMIT a message, WAL and synchronous=FULL, nothing else: this disk today."""
    connection = sqlite3.connect(folder / "raw.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for table in range(5):
        connection.execute(f"CREATE TABLE t{table} (id INTEGER PRIMARY KEY, text TEXT)")
    began = time.perf_counter()
    for _ in range(messages):
        connection.execute("BEGIN IMMEDIATE")
        for table in range(5):
            connection.execute(f"INSERT INTO t{table} (text) VALUES (?)", ("x" * 120,))  # noqa: S608 - own names
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return messages / took
