"""Colleagues on the screen: who looks, who writes, who calls; against the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

from omni_console.app import OmniConsole
from omni_console.screens.attending import QUIET_AFTER
from omni_console.timing import Clock
from server.onlookers import COALESCE_MS
from server.protocol import NoteCommand, Whereabouts
from tests.fakes.console_hands import Hands
from tests.fakes.running_server import IVAN, OLGA, Running, only, running_server, until


@asynccontextmanager
async def console_of(run: Running, *, size: tuple[int, int] = (140, 44)) -> AsyncIterator[Hands]:
    """Olga's console, at the queue."""
    app = OmniConsole(await run.client(OLGA), clock=Clock(run.clock.now, UTC))
    async with app.run_test(size=size) as pilot:
        hands = Hands(app, pilot)
        await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
        yield hands


async def written(run: Running, text: str, key: str = "note-0001") -> None:
    """A note of Ivan's in the one conversation there is."""
    ivan = await run.client(IVAN)
    await ivan.note((await only(ivan)).id, NoteCommand(client_id=key, text=text))


async def test_who_looks_and_who_writes_is_in_the_header_and_in_the_list() -> None:
    async with running_server() as run:
        await run.hook("hello", person={"name": "Anna"})
        async with console_of(run) as hands:
            await hands.press("g", "enter")
            await hands.sees("hello")
            ivan = await run.listen(IVAN)
            key = (await only(ivan.client)).id
            run.clock.advance(COALESCE_MS)  # that she looks was told this moment
            await ivan.client.attend(Whereabouts(open=[key]))
            await hands.sees("Ivan is looking")
            await hands.sees(" ◦")
            run.clock.advance(COALESCE_MS)
            await ivan.client.attend(Whereabouts(open=[key], typing=key))
            await hands.sees("Ivan is writing a reply")
            await hands.sees(" ✎")
            run.clock.advance(COALESCE_MS)
            await run.hook("", kind="typing")
            await hands.sees("the customer is typing · Ivan is writing a reply")
            run.clock.advance(COALESCE_MS)
            await ivan.stop()
            await hands.sees_no("Ivan is")
            await hands.sees("the customer is typing")


async def test_colleagues_see_what_this_console_shows_and_what_is_typed_in_it() -> None:
    async with running_server() as run:
        await run.hook("hello", person={"name": "Anna"})
        ivan = await run.listen(IVAN)
        [me] = [one.id for one in await ivan.client.operators() if one.login == "olga"]

        def writing() -> list[str]:
            return [
                one.writing
                for company in run.server.hub.onlookers.told()
                for one in company.people
                if one.operator_id == me
            ]

        async with console_of(run) as hands:
            assert writing() == []
            await hands.press("g", "enter")
            await until(lambda: writing() == [""])
            run.clock.advance(COALESCE_MS)
            await hands.press("r", "h", "i")
            await until(lambda: writing() == ["reply"])
            run.clock.advance(COALESCE_MS)
            await hands.press("alt+m")
            await until(lambda: writing() == [""])  # the note is empty yet
            run.clock.advance(COALESCE_MS)
            await hands.press("x")
            await until(lambda: writing() == ["note"])
            run.clock.advance(COALESCE_MS)
            for _ in range(QUIET_AFTER):
                hands.screen.attending.tick()
            await until(lambda: writing() == [""])
            run.clock.advance(COALESCE_MS)
            await hands.press("escape", "q")
            await until(lambda: writing() == [])
            await hands.press("enter")
            run.clock.advance(COALESCE_MS)
            await until(lambda: writing() == [""])
            run.clock.advance(COALESCE_MS)
        await until(lambda: writing() == [])  # the console ended


async def test_a_narrow_header_says_it_in_signs() -> None:
    async with running_server() as run:
        await run.hook("hello", person={"name": "Anna with a rather long name of her own and more of it"})
        async with console_of(run, size=(80, 24)) as hands:
            await hands.press("g", "enter")
            await hands.sees("hello")
            ivan = await run.listen(IVAN)
            key = (await only(ivan.client)).id
            run.clock.advance(COALESCE_MS)  # that she looks was told this moment
            await ivan.client.attend(Whereabouts(open=[key], typing=key))
            await hands.sees("✎ Ivan")
            assert "waits" in hands.text()


async def test_a_mention_is_counted_found_and_seen_where_it_stands() -> None:
    async with running_server() as run:
        await run.hook("hello", person={"name": "Anna"})
        async with console_of(run) as hands:
            await written(run, "@olga please look at the invoice")
            await hands.sees("@ 1 (@)")
            await hands.press("@")
            await hands.sees("Who calls you")
            await hands.sees("@ Ivan · Anna")
            assert "@ 1 (@)" in hands.text()  # listed is not seen
            await hands.press("enter")
            await hands.sees("please look at the invoice")
            await hands.sees_no("@ 1 (@)")
            assert await run.read("SELECT 1 FROM mention WHERE seen_at IS NULL") == []
            await hands.press("@")
            await hands.sees("nobody calls you")


async def test_a_mention_under_the_eyes_is_seen_at_once() -> None:
    async with running_server() as run:
        await run.hook("hello", person={"name": "Anna"})
        async with console_of(run) as hands:
            await hands.press("g", "enter")
            await hands.sees("hello")
            await written(run, "@olga here")
            await hands.sees("@olga here")
            other = await run.listen(OLGA, 0)  # another console of hers hears that it was seen
            await until(lambda: bool(other.events("mention.seen")))
            assert await run.read("SELECT 1 FROM mention WHERE seen_at IS NOT NULL")
            await hands.sees_no("@ 1 (@)")


async def test_tab_completes_a_colleague_in_a_note_and_only_there() -> None:
    async with running_server() as run:
        await run.hook("hello", person={"name": "Anna"})
        async with console_of(run) as hands:
            await hands.press("g", "enter", "m")
            composer = hands.screen.grid.panes[0].composer
            await hands.type("ask @iv")
            await hands.press("tab")
            assert composer.text == "ask @ivan "
            await hands.type("or @")
            await hands.press("tab")
            await hands.sees("@ivan (Ivan) · @rita (Rita)")
            assert composer.text == "ask @ivan or @"
            await hands.type("zoe")
            await hands.press("tab")
            await hands.sees("no colleague is called so: @zoe")
            assert hands.app.focused is composer
            await hands.press("backspace", "backspace", "backspace", "backspace", "ctrl+j")
            await hands.sees("ask @ivan or")
            ivan = await run.client(IVAN)
            assert (await ivan.mentions()).open == 1
            await hands.press("r")
            await hands.type("@iv")
            await hands.press("tab")
            assert composer.text == "@iv"
            assert hands.app.focused is not composer
