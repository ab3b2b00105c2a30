"""The operator API's TCP door: TLS, proxies, guarded connections, protocol versions, a console from afar."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from pathlib import Path
from unittest.mock import patch

import pytest

from omni_console.client import Link, ServerClient
from server.protocol import PROTOCOL, NoteCommand, Subscribe
from server.public.listen import ListenError
from server.settings import ApiSettings, PublicLimits
from tests.fakes.distant import Distant, new_token
from tests.fakes.running_server import Listening, only, running_server, until

FAKES = Path(__file__).parents[1] / "fakes"
OPEN = ApiSettings(listen="127.0.0.1:0")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    pair = tmp_path / "api.crt", tmp_path / "api.key"
    shutil.copy(FAKES / "loopback-cert.pem", pair[0])
    shutil.copy(FAKES / "loopback-key.pem", pair[1])
    pair[1].chmod(0o600)
    return pair


# --- TLS ------------------------------------------------------------------------------------------------


async def test_tls(certificate: tuple[Path, Path]) -> None:
    settings = ApiSettings(listen="0.0.0.0:0", tls_certificate=certificate[0], tls_key=certificate[1])
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    async with running_server(api=settings) as run:
        olga = Distant(run, (await new_token(run)).token, trusting)
        assert olga.url.startswith("https://")
        olga.url = olga.url.replace("0.0.0.0", "127.0.0.1")
        assert (await olga.ask("GET", "/v1/hello"))[0] == 200
        async with olga.stream() as stream:
            assert (await stream.next()).type == "welcome"
        with socket.create_connection(("127.0.0.1", run.server.api.port)) as plain:  # type: ignore[union-attr]
            plain.settimeout(10)
            plain.sendall(b"GET /v1/hello HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not (await asyncio.to_thread(plain.recv, 100)).startswith(b"HTTP/")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(certificate[0])
        with pytest.warns(DeprecationWarning):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        # What OpenSSL calls it differs by version; that TLS 1.2 gets in is seen above.
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", run.server.api.port, ssl=old)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("open", "open to others"),
        ("no key", "cannot read"),
        ("no certificate", "there is no"),
        ("other key", "no certificate with its key"),
        ("nonsense", "no certificate with its key"),
    ],
)
async def test_a_certificate_that_is_of_no_use_refuses_to_start(
    fault: str, said: str, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    crt, key = certificate
    if fault == "open":
        key.chmod(0o644)
    elif fault == "no key":
        key.unlink()
    elif fault == "no certificate":
        crt.unlink()
    elif fault == "other key":
        made = await asyncio.create_subprocess_exec(
            "openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", str(key), stderr=-3
        )
        assert await made.wait() == 0
    else:
        crt.write_text("once upon a time")
    settings = ApiSettings(listen="127.0.0.1:0", tls_certificate=crt, tls_key=key)
    with pytest.raises(ListenError, match=said) as caught:
        async with running_server(api=settings):
            pass
    assert caught.value.hint


async def test_a_port_that_is_taken_refuses_to_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ApiSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ListenError, match="cannot listen") as caught:
            async with running_server(api=settings):
                pass
    assert "api.listen" in caught.value.hint


# --- behind a proxy -------------------------------------------------------------------------------------


async def test_behind_a_proxy_nobody_else_is_served() -> None:
    through = ApiSettings(listen="127.0.0.1:0", behind_proxy=True, trusted_proxies=("127.0.0.0/8",))
    async with running_server(api=through) as run:
        olga = Distant(run, (await new_token(run)).token)
        status, _, _ = await olga.ask(
            "GET", "/v1/hello", headers=olga.headers | {"X-Forwarded-For": "203.0.113.9"}
        )
        assert status == 200
    past = ApiSettings(listen="127.0.0.1:0", behind_proxy=True, trusted_proxies=("10.0.0.5",))
    async with running_server(api=past) as run:
        olga = Distant(run, (await new_token(run)).token)
        for headers in (olga.headers, olga.headers | {"X-Forwarded-For": "10.0.0.5"}, {}):
            status, problem = await olga.refusal("GET", "/v1/hello", headers=headers)
            assert (status, problem.code) == (403, "forbidden")


# --- connections that hold a place ----------------------------------------------------------------------


async def _ends(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> bytes:
    """What comes until the server hangs up."""
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_slow_connections_are_closed_and_streams_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    quick = PublicLimits(header_seconds=0.2, body_grace_seconds=0.2, connections_per_address=4)
    with patch("server.doors.PublicLimits", lambda: quick):
        async with running_server(api=OPEN) as run:
            assert run.server.api is not None
            olga = Distant(run, (await new_token(run)).token)
            async with olga.stream() as stream:
                assert (await stream.next()).type == "welcome"
                port = run.server.api.port
                token = olga.headers["Authorization"].encode()
                for begun in (
                    b"",
                    b"GET /v1/hello HTTP/1.1\r\nHost: x\r\n",
                    b"POST /v1/outbox/settle HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\nAuthorization: "
                    + token
                    + b"\r\n\r\n{",
                ):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(begun)
                    assert not (await _ends(writer, reader)).startswith(b"HTTP/1.1 2")
                crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                assert await _ends(writer, reader) == b""
                for _, other in crowd:
                    other.close()
                # All the while the stream went on, which sends nothing itself.
                await run.hook("hello")
                while (await stream.next()).type != "event":
                    pass
    assert "operator request failed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "rest", [b"", b"5\r\n{}", b"ZZ\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n", b"-1\r\n\r\n"]
)
async def test_a_body_that_breaks_off_or_is_none_is_no_defect(
    rest: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """The headers first, so that the body is what the handler waits for."""
    async with running_server(api=OPEN) as run:
        assert run.server.api is not None
        token = (await new_token(run)).token.encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", run.server.api.port)
        writer.write(
            b"POST /v1/outbox/settle HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
        )
        await asyncio.sleep(0.1)
        writer.write(rest)
        writer.write_eof()
        answer = await _ends(writer, reader)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer
        assert (await Distant(run, token.decode()).ask("GET", "/v1/hello"))[0] == 200
    assert "operator request failed" not in capsys.readouterr().out


# --- protocol versions ----------------------------------------------------------------------------------


async def test_an_old_console_is_told_to_update() -> None:
    async with running_server(api=OPEN) as run:
        made = await new_token(run)
        olga = Distant(run, made.token)
        status, problem = await olga.refusal(
            "GET", "/v1/hello", headers=olga.headers | {"Omni-Protocol": "0"}
        )
        assert (status, problem.code) == (426, "version")
        assert f"protocol {PROTOCOL}" in problem.message
        assert "update" in problem.hint
        # Whoever is not let in learns nothing, not even that.
        assert (await olga.refusal("GET", "/v1/hello", headers={"Omni-Protocol": "0"}))[0] == 401
        async with olga.stream(Subscribe(protocol=PROTOCOL + 1)) as stream:
            assert "update" in (await stream.bye()).text
        with patch("omni_console.client.wire.PROTOCOL", 0):
            for client in (
                ServerClient(url=olga.url, token=made.token),
                ServerClient(run.socket, token="4711"),
            ):
                async with client:
                    links: list[Link] = []
                    async with asyncio.timeout(10):
                        await client.listen(lambda envelope: None, links.append)
                    assert [link.state for link in links] == ["refused"]


# --- a console from afar --------------------------------------------------------------------------------


async def test_a_console_works_over_tcp_until_its_token_ends() -> None:
    async with running_server(api=OPEN) as run:
        made = await new_token(run)
        async with ServerClient(url=Distant(run).url, token=made.token) as client:
            listening = Listening(client)
            await until(lambda: bool(listening.links))
            await run.hook("hello")
            conversation = await only(client)
            command = NoteCommand(client_id="one", text="from afar")
            first = await client.note(conversation.id, command)
            assert (await client.note(conversation.id, command)).id == first.id
            await listening.reached(await run.newest())
            assert {"message.received", "note.added"} <= {one.kind for one in listening.events()}
            assert (await run.ask("POST", f"/v1/tokens/{made.info.id}/revoke", uid=None))[0] == 200
            await until(lambda: listening.links[-1].state == "refused")
            async with asyncio.timeout(10):
                await listening.task  # it does not knock for ever
