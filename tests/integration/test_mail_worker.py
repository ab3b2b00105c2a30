"""Mail parsed by a process that the server did not start: away, killed, stopped, of another version."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import aiohttp
import msgspec
import pytest

from channels.email import parse as mail
from omni_console.client import ServerClient
from omni_console.commands.service_checks import mail_worker
from server.parsing import ParserAwayError, wire
from server.parsing.distant import DistantParser, ParserFailedError
from server.protocol import JournalItem
from server.settings import ServerSettings
from server.store.database import open_reader
from server.version import product_version
from tests.fakes import mail_corpus, poisoned_mail
from tests.fakes.desk_view import texts
from tests.fakes.harsh_world import HarshWorld, workers_of
from tests.fakes.mail_worker import MailWorker
from tests.fakes.patience import until

PARSER = "channels.email.parse:parse"
POISONED = "tests.fakes.poisoned_mail:parse"
META = {"folder": "INBOX"}
PICTURE = b"\x89PNG\x00\xff"


def parser(worker: MailWorker) -> DistantParser:
    return DistantParser(worker.path, product_version())


async def test_it_reads_as_a_child_of_the_server_does(tmp_path: Path) -> None:
    raws = [
        mail_corpus.plain(),
        mail_corpus.plain(2, text="привет, где посылка?", subject="=?utf-8?b?0L/RgNC40LLQtdGC?="),
        mail_corpus.multipart(
            "mixed",
            b"Content-Type: text/plain\r\n\r\nhello",
            mail_corpus.attached("a.png", "image/png", PICTURE),
        ),
        b"\x00\xff not a mail at all",
    ]
    async with MailWorker(tmp_path / "parse.sock") as worker:
        distant = parser(worker)
        found = await distant.parse([(PARSER, raw, META) for raw in raws], 10)
        assert found == [mail.parse(raw, META) for raw in raws]
        assert found[2][0].attachments[0].data == PICTURE
        distant.kill()
        assert await worker.stop() == 0


async def test_what_hangs_kills_eats_or_fails_is_told_apart_and_the_next_one_passes(tmp_path: Path) -> None:
    sound = (PARSER, mail_corpus.plain(), META)
    async with MailWorker(tmp_path / "parse.sock") as worker:
        distant = parser(worker)
        for poison, seconds, error in (
            (poisoned_mail.HANG, 2.0, TimeoutError),
            (poisoned_mail.KILL, 60.0, BrokenProcessPool),
            (poisoned_mail.EAT, 60.0, ParserFailedError),  # MemoryError: its limit holds
        ):
            with pytest.raises(error):
                await distant.parse([(POISONED, poison, META)], seconds)
            assert len(await distant.parse([sound], 10)) == 1
        with pytest.raises(ParserFailedError, match="ModuleNotFoundError"):
            await distant.parse([("channels.nowhere:parse", b"", {})], 10)
        distant.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_worker_that_ends_while_it_parses(how: signal.Signals, tmp_path: Path) -> None:
    """Stopped, it is nobody's fault; killed, it may be the mail's."""
    async with MailWorker(tmp_path / "parse.sock") as worker:
        distant = parser(worker)
        asking = asyncio.create_task(distant.parse([(POISONED, poisoned_mail.HANG, META)], 60))

        async def parses() -> bool:
            assert worker.process is not None
            return bool(workers_of(worker.process.pid))

        await until(parses, "its child is there")
        await worker.stop(how)
        with pytest.raises(ParserAwayError if how is signal.SIGTERM else BrokenProcessPool):
            await asking
        with pytest.raises(ParserAwayError):
            await distant.ready()
        await worker.start()
        assert len(await distant.parse([(PARSER, mail_corpus.plain(), META)], 10)) == 1
        distant.kill()


async def test_who_is_no_worker_of_this_version_is_not_asked(tmp_path: Path) -> None:
    greetings = {
        "of version 0.0": wire.Greeting(protocol=wire.PROTOCOL, version="0.0"),
        "is no mail worker": wire.Request(seconds=1.0, items=[]),
        "it ended at once": None,
    }
    for number, (said, greeting) in enumerate(greetings.items()):

        async def greet(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            greeting: wire.Greeting | wire.Request | None = greeting,
        ) -> None:
            if greeting is not None:
                await wire.send(writer, greeting)
                await reader.read()
            writer.close()

        path = tmp_path / f"{number}.sock"
        async with await asyncio.start_unix_server(greet, path):
            distant = DistantParser(path, product_version())
            with pytest.raises(ParserAwayError, match=said):
                await distant.ready()


async def test_a_request_that_is_none_ends_the_connection_and_no_other(tmp_path: Path) -> None:
    async with MailWorker(tmp_path / "parse.sock") as worker:
        for nonsense in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x02hi", b"\x00\x00\x00\x01\xc1"):
            reader, writer = await asyncio.open_unix_connection(worker.path)
            await wire.receive(reader)
            writer.write(nonsense)
            assert await reader.read() == b""
            writer.close()
        distant = parser(worker)
        assert len(await distant.parse([(PARSER, mail_corpus.plain(), META)], 10)) == 1
        distant.kill()


async def test_a_service_manager_hands_the_socket_over(tmp_path: Path) -> None:
    """As systemd does it (sd_listen_fds(3)): descriptor 3, and our process id in LISTEN_PID."""
    path = tmp_path / "parse.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen(4)
        program = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
            " os.environ['LISTEN_FDS'] = '1';"
            " os.execv(sys.executable, [sys.executable, '-m', 'omni_console', 'mail-worker'])"
        )
        # Who asks before it runs waits for it.
        asking = asyncio.create_task(
            DistantParser(path, product_version()).parse([(PARSER, mail_corpus.plain(), META)], 10)
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(listening.fileno()), pass_fds=[listening.fileno()]
        )
        try:
            assert len(await asking) == 1
            process.terminate()
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert path.exists()  # it is the service manager's


def test_without_a_socket_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "omni_console", "mail-worker"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")},
    )
    assert done.returncode == 2
    assert "--listen" in done.stderr


# --- the whole server ------------------------------------------------------------------------------------


async def asked(socket_path: Path, path: str) -> tuple[int, bytes]:
    connector = aiohttp.UnixConnector(path=str(socket_path))
    async with aiohttp.ClientSession(connector=connector) as http, http.get(f"http://omni{path}") as answer:
        return answer.status, await answer.read()


async def journal(world: HarshWorld, state: str) -> list[JournalItem]:
    _, body = await asked(world.socket, f"/v1/journal?state={state}")
    return msgspec.json.decode(body, type=list[JournalItem])


async def test_while_the_worker_is_away_mail_waits_operators_know_and_nothing_is_counted(
    tmp_path: Path,
) -> None:
    worker = MailWorker(tmp_path / "w" / "parse.sock")
    folder = tmp_path / "world"
    folder.mkdir()
    setting = {"[server]\n": f'[server]\nparse_worker = "{worker.path}"\n'}
    async with worker, HarshWorld(folder, setting) as world, ServerClient(str(world.socket)) as client:
        writer = world.mailer("Anna", "anna@example.org")
        await writer.say("first")

        async def taken() -> bool:
            return await texts(client) == writer.said

        await until(taken, "the first mail is taken in")
        assert not workers_of(world.pid)  # the server itself parses nothing
        await worker.stop()
        for number in range(3):
            await writer.say(f"while nobody parses {number}")

        async def waits() -> bool:
            hello = await client.hello()
            return "no mail worker answers" in hello.trouble and len(await journal(world, "received")) == 3

        await until(waits, "the mails wait and operators are told")
        # That mail is late is no reason to take the server out of service, nor to refuse anything.
        assert (await asked(world.socket, "/healthz"))[0] == 200
        for _ in range(2):  # restarts of the server count as little against them
            await world.kill_server()
            await world.recover()
            await until(waits, "the mails still wait")
        reader = open_reader(world.data / "omni.sqlite3")
        assert {row[0] for row in reader.execute("SELECT attempts FROM journal")} == {0}
        reader.close()

        await worker.start()
        await until(taken, "all mails are taken in, in order")

        async def over() -> bool:
            return (await client.hello()).trouble == ""

        await until(over, "operators are told that it is over")
        assert await journal(world, "quarantined") == []


async def test_a_poisoned_mail_is_put_aside_and_the_others_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned_mail.install(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{Path.cwd()}")
    worker = MailWorker(tmp_path / "w" / "parse.sock")
    folder = tmp_path / "world"
    folder.mkdir()
    replace = {
        "[server]\n": f'[server]\nparse_worker = "{worker.path}"\n',
        'kind = "email"': 'kind = "poisoned"',
    }
    async with worker, HarshWorld(folder, replace) as world, ServerClient(str(world.socket)) as client:
        await world.kill_server()
        writer = world.mailer("Anna", "anna@example.org")
        for number, poison in enumerate((poisoned_mail.HANG, poisoned_mail.KILL)):
            await writer.say(f"sound {number}")
            await world.mail.append(
                b"From: mallory@example.org\r\nMessage-ID: <%d@x>\r\n%s\r\n\r\nhello" % (number, poison)
            )
        await writer.say("sound, after all that")
        await world.recover()

        async def settled() -> bool:
            aside = await journal(world, "quarantined")
            return len(aside) == 2 and set(writer.said) <= set(await texts(client))

        await until(settled, "the poisoned mails are put aside and the sound ones pass")


async def test_doctor_says_whether_it_is_there(tmp_path: Path) -> None:
    worker = MailWorker(tmp_path / "parse.sock")
    settings = ServerSettings(data_dir=tmp_path, socket=tmp_path / "omni.sock", parse_worker=worker.path)

    async def findings() -> list[tuple[str, str]]:
        found = await asyncio.to_thread(lambda: list(mail_worker(settings)))
        return [(one.name, one.state) for one in found]

    assert await findings() == [("mail worker", "broken")]
    async with worker:
        assert await findings() == [("mail worker", "ok")]
    settings.parse_worker = None
    assert await findings() == []
