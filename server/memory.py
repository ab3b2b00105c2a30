"""Memory that was needed for a moment goes back to the system."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2


def share_heaps() -> None:
    """glibc gives each thread a heap of its own, and each keeps what its busiest moment took: with large
    mails that is 20 MB and more that nobody uses. Where there is another libc, nothing happens."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)
