"""A channel like e-mail without a mail server: tests say what it hears and how its sends end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

from channels.base import (
    Capabilities,
    Channel,
    ChannelHealth,
    ChannelSettings,
    ChannelSpec,
    Delivery,
    Host,
    InboundEvent,
    Outbound,
    Receipt,
    Sender,
    SendResult,
    Sent,
)


class LettersChannel(Channel):
    """Addresses are shared e-mail addresses; a result that nobody knows stays unknown."""

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="letters",
        title="Letters",
        mark="l",
        scheme="email",
        shared_scheme=True,
        settings=ChannelSettings,
        capabilities=Capabilities(
            medium="email",
            subject=True,
            files_max=2,
            start_by_us=True,
            holds_on_customer_message=True,
            give_up_after_s=3600.0,
            pace_per_s=1000.0,
            text_max=2000,
        ),
    )

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        super().__init__(channel_id, settings)
        self.results: deque[SendResult | Exception] = deque()  # of the next sends; afterwards all are Sent
        self.sent: list[Outbound] = []
        self.gate = asyncio.Event()  # sends wait until it is set
        self.gate.set()
        self._heard = 0

    async def start(self, host: Host) -> None:
        await super().start(host)
        host.report(ChannelHealth(state="connected"))

    def name_message(self, conversation_id: int, message_id: int) -> str | None:
        return f"<{conversation_id}.{message_id}@ours>"

    async def send(self, message: Outbound) -> SendResult:
        self.sent.append(message)
        await self.gate.wait()
        result = self.results.popleft() if self.results else Sent(remote_id=message.remote_id)
        if isinstance(result, Exception):
            raise result
        return result

    async def hear(self, address: str, text: str, name: str | None = None, **fields: Any) -> Receipt:
        """A letter from `address`, committed; `fields` are those of InboundEvent."""
        [receipt] = await self.hear_all([self.letter(address, text, name, **fields)])
        return receipt

    async def hear_all(self, letters: Sequence[InboundEvent]) -> list[Receipt]:
        return await self.host.submit(
            [Delivery(dedupe_key=letter.dedupe_key, raw=b"raw", event=letter) for letter in letters]
        )

    def letter(self, address: str, text: str, name: str | None = None, **fields: Any) -> InboundEvent:
        self._heard += 1
        key = f"letter-{self._heard}"
        whole: dict[str, Any] = {
            "kind": "message",
            "dedupe_key": key,
            "sender": Sender(external_id=address, name=name),
            "remote_message_id": f"<{key}@theirs>",
            "text": text,
        } | fields
        return InboundEvent(**whole)
