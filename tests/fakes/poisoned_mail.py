"""An e-mail channel of a third party whose parser has defects: some mails hang it, kill it, or eat memory."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import msgspec

import server.apart
from channels.base import ChannelSpec, InboundEvent
from channels.email import EmailChannel
from channels.email import parse as sound

# A test should not wait for what a customer's mail server may.
server.apart.PARSE_SECONDS = 1.0

HANG, KILL, EAT = b"x-poison: hang", b"x-poison: kill", b"x-poison: eat"


class PoisonedEmailChannel(EmailChannel):
    spec: ClassVar[ChannelSpec] = msgspec.structs.replace(
        EmailChannel.spec, kind="poisoned", parser="tests.fakes.poisoned_mail:parse"
    )


def parse(raw: bytes, meta: Mapping[str, str]) -> list[InboundEvent]:
    if HANG in raw:
        while True:
            pass
    if KILL in raw:
        os.kill(os.getpid(), signal.SIGKILL)
    if EAT in raw:
        hoard = []
        while True:
            hoard.append(bytearray(64 * 1024 * 1024))
    return sound.parse(raw, meta)


def install(folder: Path) -> None:
    """What pip would write for the distribution that brings this channel, into `folder`."""
    about = folder / "omni_poisoned-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: omni-poisoned\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[omni_console.channels]\npoisoned = tests.fakes.poisoned_mail:PoisonedEmailChannel\n"
    )
