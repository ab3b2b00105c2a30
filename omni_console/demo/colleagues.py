"""Two colleagues of the demo, and what they have in hand: what its user sees with Q, being the lead there."""

from __future__ import annotations

import asyncio

import msgspec

from omni_console.client import ServerClient
from omni_console.demo.world import World
from server.protocol import Conversation


class Handed(msgspec.Struct, frozen=True):
    """A letter that a colleague was given. `to`: his login."""

    name: str
    email: str
    subject: str
    asks: str
    to: str
    note: str


HANDED = {
    "en": (
        Handed("Ruth Adler", "ruth@adler.example", "Gift wrapping", "Can you wrap it?", "boris", "a gift"),
        Handed("Tom Weber", "tom@weber.example", "Invoice", "It must name my firm.", "boris", "a firm"),
        Handed("Nadia Petrova", "nadia@petrova.example", "Return", "The box was open.", "mira", "photos"),
    ),
    "ru": (
        Handed("Рут Адлер", "ruth@adler.example", "Упаковка", "Можно в подарочную?", "boris", "подарок"),
        Handed("Том Вебер", "tom@weber.example", "Счёт", "Нужен счёт на фирму.", "boris", "на фирму"),
        Handed("Надя Петрова", "nadia@petrova.example", "Возврат", "Коробка вскрыта.", "mira", "нужны фото"),
    ),
}


async def hand_out(world: World, client: ServerClient) -> None:
    """Letters come, and the colleagues are given them. Raises TimeoutError where they do not come."""
    logins = {one.login: one.id for one in await client.operators()}
    for handed in HANDED[world.language]:
        writer = world.mailer(handed.name, handed.email)
        await writer.say(handed.asks, subject=handed.subject)
        conversation = await _from(client, handed.name)
        await client.assign(conversation.id, logins[handed.to], handed.note)


async def _from(client: ServerClient, name: str) -> Conversation:
    async with asyncio.timeout(20):
        while True:
            for conversation in (await client.conversations("queue")).items:
                if conversation.customer == name:
                    return conversation
            await asyncio.sleep(0.1)
