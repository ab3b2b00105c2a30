"""The conformance kit: what every adapter, ours or a third party's, must pass.

It ships with the product and needs no test framework; docs/channels/writing-an-adapter.md shows how to
run it.
"""

from __future__ import annotations

from channels.testkit.conformance import Conformance, ConformanceError
from channels.testkit.door import door
from channels.testkit.memory import MemoryHost, MemoryWatch

__all__ = ["Conformance", "ConformanceError", "MemoryHost", "MemoryWatch", "door"]
