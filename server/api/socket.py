"""The operators' Unix socket: made safely, removed safely, and who is at its other end.

Not aiohttp's UnixSite, which replaces a live socket of somebody else and takes the umask's mode. Here a
lock next to the socket is held as long as the server lives; under it a socket that answers is respected
and one that does not is a leftover. `bind` runs before anything listens, so nobody can connect while the
mode is not yet what it must be.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import grp
import os
import socket
import stat
import struct
from pathlib import Path

PERSONAL_DIR, PERSONAL_SOCKET = 0o700, 0o600
TEAM_DIR, TEAM_SOCKET = 0o750, 0o660
PATH_MAX_BYTES = 107  # sizeof(sockaddr_un.sun_path) - 1 on Linux, unix(7)
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class SocketError(Exception):
    """The operators' socket cannot be made; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SocketInUseError(SocketError):
    """A live server answers at this path."""


class OperatorSocket:
    """A bound socket that does not listen yet. Hand `.socket` to web.SockSite; `close()` when stopped."""

    def __init__(self, path: Path, bound: socket.socket, lock: int) -> None:
        self.path = path
        self.socket = bound
        made = path.lstat()
        self._inode = (made.st_dev, made.st_ino)
        self._lock: int | None = lock

    def close(self) -> None:
        """Close, and remove the path if it is still the socket that we made."""
        self.socket.close()
        if self._lock is None:
            return
        try:
            now = self.path.lstat()
            if (now.st_dev, now.st_ino) == self._inode:
                self.path.unlink()
        except FileNotFoundError:
            pass  # somebody tidied up before us
        finally:
            os.close(self._lock)
            self._lock = None


def bind(path: Path, group: str = "") -> OperatorSocket:
    """Bind `path` for this account alone or, with `group`, for that Unix group too.

    Raises SocketInUseError where a live server holds it, SocketError where it cannot be made safely.
    """
    path = path.absolute()
    if len(os.fsencode(path)) > PATH_MAX_BYTES:
        raise SocketError(
            f"{path} is longer than a Unix socket's path may be ({PATH_MAX_BYTES} bytes)",
            "set server.socket to a shorter path",
        )
    gid = _group(group) if group else None
    try:
        _make_directory(path.parent, gid)
        lock = _lock(path)
    except OSError as error:
        raise SocketError(
            f"cannot use {path.parent}: {error.strerror}", "set server.socket to a path of your own"
        ) from error
    try:
        _clear(path)
        bound = _bind(path)
        try:
            if gid is not None:
                os.chown(path, -1, gid)
            path.chmod(TEAM_SOCKET if gid is not None else PERSONAL_SOCKET)
        except OSError as error:
            bound.close()
            path.unlink()
            raise SocketError(
                f"cannot give {path} to the group {group}: {error.strerror}",
                "run the server under an account that belongs to the group",
            ) from error
        return OperatorSocket(path, bound, lock)
    except BaseException:
        os.close(lock)
        raise


def peer_uid(transport: asyncio.BaseTransport | None) -> int:
    """The local account at the other end, as the kernel knows it (SO_PEERCRED, unix(7)).

    Raises PermissionError where the connection is no Unix socket or is gone.
    """
    peer = transport.get_extra_info("socket") if transport is not None else None
    if peer is None or peer.family != socket.AF_UNIX:
        raise PermissionError("not a Unix socket: there are no peer credentials")
    try:
        packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError as error:
        raise PermissionError("the peer is gone") from error
    _, uid, _ = _CREDENTIALS.unpack(packed)
    return int(uid)


def _group(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise SocketError(
            f"there is no Unix group {name!r}", f"groupadd {name}, or change server.socket_group"
        ) from None


def _make_directory(directory: Path, gid: int | None) -> None:
    """Make the directory with exactly our mode. One that was there is judged, never changed."""
    mode = TEAM_DIR if gid is not None else PERSONAL_DIR
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(mode=PERSONAL_DIR)
    except FileExistsError:
        found = directory.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise SocketError(f"{directory} is not a directory", "change server.socket") from None
        if found.st_uid not in (os.geteuid(), 0):
            raise SocketError(
                f"{directory} belongs to another account (uid {found.st_uid})",
                "set server.socket to a path in a directory of your own",
            ) from None
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise SocketError(
                f"others may write to {directory}", f"chmod go-w {directory}, or change server.socket"
            ) from None
        by_group = found.st_gid == gid and found.st_mode & stat.S_IXGRP
        if gid is not None and not (by_group or found.st_mode & stat.S_IXOTH):
            raise SocketError(
                f"the group cannot enter {directory}",
                f"chgrp {grp.getgrgid(gid).gr_name} {directory} && chmod 0750 {directory},"
                " or set server.socket to a path in a directory of its own",
            ) from None
        return
    if gid is not None:
        try:
            os.chown(directory, -1, gid)
        except OSError as error:
            directory.rmdir()
            raise SocketError(
                f"cannot give {directory} to the group: {error.strerror}",
                "run the server under an account that belongs to the group",
            ) from error
    directory.chmod(mode)


def _lock(path: Path) -> int:
    descriptor = os.open(
        path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SocketInUseError(
            f"another server holds {path}", "stop it, or set server.socket to another path"
        ) from None
    return descriptor


def _clear(path: Path) -> None:
    """Remove a leftover socket; refuse a live one, and anything that is no socket."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketError(f"{path} exists and is no socket", "move it away, or change server.socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError as error:
            # Only "nobody listens" proves a leftover; a full backlog (EAGAIN) is a live server.
            if error.errno != errno.ECONNREFUSED:
                raise SocketInUseError(
                    f"{path} is somebody's socket ({error.strerror})", "change server.socket"
                ) from error
            path.unlink()
            return
    raise SocketInUseError(
        f"a live server answers at {path}", "stop it, or set server.socket to another path"
    )


def _bind(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(os.fspath(path))
    except OSError as error:
        bound.close()
        raise SocketError(f"cannot bind {path}: {error.strerror}", "change server.socket") from error
    finally:
        os.umask(before)
    return bound
