"""The operators' socket and the data lock: one server each, with exactly the modes that were meant."""

from __future__ import annotations

import asyncio
import grp
import multiprocessing
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from server.api.socket import OperatorSocket, SocketError, SocketInUseError, bind, peer_uid
from server.lock import DataLock, DataLockedError, holder

OWN_GROUP = grp.getgrgid(os.getegid()).gr_name


@pytest.fixture
def short() -> Iterator[Path]:
    """A short directory: a Unix socket's path may have 107 bytes, and pytest's own are long."""
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        yield Path(made)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_modes_of_a_personal_server(short: Path) -> None:
    made = bind(short / "run" / "omni.sock")
    assert (mode(short / "run"), mode(made.path)) == (0o700, 0o600)
    made.close()
    assert not made.path.exists()


@pytest.mark.usefixtures("umask")
def test_modes_of_a_teams_server(short: Path) -> None:
    made = bind(short / "run" / "omni.sock", OWN_GROUP)
    assert (mode(short / "run"), mode(made.path)) == (0o750, 0o660)
    assert made.path.stat().st_gid == (short / "run").stat().st_gid == os.getegid()
    made.close()


def test_nobody_can_connect_before_the_server_listens(short: Path) -> None:
    made = bind(short / "run" / "omni.sock")
    with socket.socket(socket.AF_UNIX) as peer, pytest.raises(ConnectionRefusedError):
        peer.connect(str(made.path))
    made.close()


def test_a_second_server_is_refused_and_the_first_unharmed(short: Path) -> None:
    path = short / "run" / "omni.sock"
    first = bind(path)
    with pytest.raises(SocketInUseError) as caught:
        bind(path)
    assert str(path) in str(caught.value)
    first.socket.listen()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
    first.close()
    bind(path).close()


def test_a_live_socket_of_somebody_else_is_respected(short: Path) -> None:
    path = short / "omni.sock"
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(path))
        foreign.listen()
        with pytest.raises(SocketInUseError):
            bind(path)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))


def test_a_leftover_is_replaced(short: Path) -> None:
    path = short / "omni.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    made = bind(path)
    made.socket.listen()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
    made.close()


def test_what_is_no_socket_is_left_alone(short: Path) -> None:
    path = short / "omni.sock"
    path.write_text("precious")
    with pytest.raises(SocketError, match="no socket"):
        bind(path)
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(short / "elsewhere")
    with pytest.raises(SocketError, match="no socket"):
        bind(path)


def test_only_our_own_inode_is_removed(short: Path) -> None:
    path = short / "omni.sock"
    made = bind(path)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        made.close()
        assert path.exists()
    made.close()  # a second time is harmless


def test_a_directory_open_to_others_is_refused_and_not_changed(short: Path) -> None:
    shared = short / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(SocketError, match="others may write"):
        bind(shared / "omni.sock")
    assert mode(shared) == 0o1777


def test_a_directory_that_was_there_keeps_its_mode(short: Path) -> None:
    short.chmod(0o755)
    bind(short / "omni.sock").close()
    assert mode(short) == 0o755


def test_a_directory_that_the_group_cannot_enter_is_named(short: Path) -> None:
    short.chmod(0o700)
    with pytest.raises(SocketError, match="cannot enter") as caught:
        bind(short / "omni.sock", OWN_GROUP)
    assert f"chgrp {OWN_GROUP}" in caught.value.hint


def test_an_unknown_group_and_a_long_path_are_named(short: Path) -> None:
    with pytest.raises(SocketError, match="no-such-group"):
        bind(short / "omni.sock", "no-such-group")
    with pytest.raises(SocketError, match="longer than"):
        bind(short / ("x" * 120))
    with pytest.raises(SocketError):
        bind(Path("/dev/null/omni.sock"))


async def served(made: OperatorSocket) -> web.AppRunner:
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=str(peer_uid(request.transport)))

    app = web.Application()
    app.router.add_get("/", who)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, made.socket).start()
    return runner


# Only root can become somebody else; everybody can be himself.
ACCOUNTS = [os.getuid(), 65534] if os.geteuid() == 0 else [os.getuid()]


@pytest.mark.parametrize("uid", ACCOUNTS)
async def test_the_kernel_says_who_is_at_the_other_end(uid: int, short: Path) -> None:
    short.chmod(0o755)
    made = bind(short / "omni.sock")
    made.path.chmod(0o666)
    runner = await served(made)
    program = (
        "import os, socket, sys; os.getuid() == int(sys.argv[2]) or os.setuid(int(sys.argv[2]))\n"
        "with socket.socket(socket.AF_UNIX) as peer:\n"
        "    peer.connect(sys.argv[1]); peer.sendall(b'GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n')\n"
        "    print(b''.join(iter(lambda: peer.recv(4096), b'')).split(b'\\r\\n\\r\\n')[1].decode())\n"
    )
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(made.path), str(uid), stdout=subprocess.PIPE
    )
    said, _ = await asked.communicate()
    assert said.strip() == str(uid).encode()
    await runner.cleanup()
    made.close()
    assert not made.path.exists()


async def test_a_tcp_connection_has_no_local_account() -> None:
    with pytest.raises(PermissionError):
        peer_uid(None)
    seen: list[type[Exception]] = []

    async def who(request: web.Request) -> web.Response:
        try:
            peer_uid(request.transport)
        except PermissionError as error:
            seen.append(type(error))
        return web.Response()

    app = web.Application()
    app.router.add_get("/", who)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{runner.addresses[0][1]}/"):
        pass
    await runner.cleanup()
    assert seen == [PermissionError]


# --- the data lock ------------------------------------------------------------------------------------


def test_a_second_lock_says_who_holds_the_first(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with DataLock(tmp_path) as lock:
        assert lock.held
        assert holder(tmp_path) == os.getpid()
        with pytest.raises(DataLockedError) as caught:
            DataLock(tmp_path).acquire()
        assert caught.value.pid == os.getpid()
        assert str(tmp_path) in str(caught.value)
        lock.acquire()  # what is held is held
    assert holder(tmp_path) is None
    with DataLock(tmp_path):
        pass
    assert mode(tmp_path / "omni.lock") == 0o600


def _hold(path: Path, ready: object, done: object) -> None:
    assert hasattr(ready, "set")
    assert hasattr(done, "wait")
    DataLock(path).acquire()
    ready.set()
    done.wait(30)


def test_the_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready, done))
    process.start()
    assert ready.wait(30)
    with pytest.raises(DataLockedError) as caught:
        DataLock(tmp_path).acquire()
    assert caught.value.pid == process.pid
    process.kill()
    process.join(30)
    with DataLock(tmp_path):
        assert holder(tmp_path) == os.getpid()


def test_no_data_directory_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DataLock(tmp_path / "missing").acquire()
