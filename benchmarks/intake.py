"""Signed webhooks from 64 senders: committed with synchronous=FULL, against the same door with no store.

Both servers run at once and take turns, so that a change of the machine's mood meets both; the figures
are medians of the rounds. Goal: ratio >= 0.5, p99 <= 100 ms.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import configure, percentile, raw_sqlite_per_s, running, send_all, signed_request

SENDERS = 64
CUSTOMERS = 1_000
MESSAGES = 3_000
ROUNDS = 5


def _round(url: str, number: int) -> tuple[float, list[float]]:
    """Messages a second, and the waits."""
    requests = [
        signed_request(url, index % CUSTOMERS, f"message {index} of round {number}: where is my parcel?")
        for index in range(MESSAGES)
    ]
    began = time.perf_counter()
    waits = asyncio.run(send_all(url, requests, SENDERS))
    return MESSAGES / (time.perf_counter() - began), waits


def measure(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    config = configure(folder)
    real: list[float] = []
    bare: list[float] = []
    p50: list[float] = []
    p99: list[float] = []
    raw: list[float] = []
    with (
        running(["-m", "omni_console", "--config", str(config), "serve"]) as (_, real_url),
        running(["-m", "benchmarks.bare_server", str(config)]) as (_, bare_url),
    ):
        asyncio.run(send_all(real_url, [signed_request(real_url, 0, "warm up")] * 1, 1))
        for number in range(ROUNDS):
            rate, waits = _round(real_url, number)
            real.append(rate)
            p50.append(percentile(waits, 0.5))
            p99.append(percentile(waits, 0.99))
            rate, _ = _round(bare_url, number)
            bare.append(rate)
            (folder / f"raw{number}").mkdir()
            raw.append(raw_sqlite_per_s(folder / f"raw{number}"))
            say(
                f"round {number + 1}: {real[-1]:.0f} msg/s committed, {bare[-1]:.0f} bare,"
                f" p50 {p50[-1] * 1000:.1f} ms, p99 {p99[-1] * 1000:.1f} ms, raw SQLite {raw[-1]:.0f}/s"
            )
    return {
        "messages_per_s": round(statistics.median(real), 1),
        "bare_per_s": round(statistics.median(bare), 1),
        "ratio": round(statistics.median(r / b for r, b in zip(real, bare, strict=True)), 3),
        "raw_sqlite_per_s": round(statistics.median(raw), 1),
        "p50_ms": round(statistics.median(p50) * 1000, 2),
        "p99_ms": round(statistics.median(p99) * 1000, 2),
    }
