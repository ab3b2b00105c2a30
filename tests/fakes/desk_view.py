"""What an operator can read, gathered over the operator API."""

from __future__ import annotations

from omni_console.client import ServerClient
from server.protocol import Message


async def received(client: ServerClient) -> list[Message]:
    """Everything that customers wrote, in the order in which it was taken in."""
    people: set[int] = set()
    after = None
    while True:
        page = await client.conversations("all", after)
        people |= {item.customer_id for item in page.items}
        after = page.next
        if after is None:
            break
    found: list[Message] = []
    for customer_id in people:
        before = None
        while True:
            history = await client.history(customer_id, before)
            found += [message for message in history.messages if message.kind == "in"]
            before = history.before
            if before is None:
                break
    return sorted(found, key=lambda message: message.id)


async def texts(client: ServerClient) -> list[str]:
    return [message.text.strip() for message in await received(client)]
