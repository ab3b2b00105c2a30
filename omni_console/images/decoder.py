"""A customer's picture, decoded by a process of its own that has little memory and little time.

Why a process and no thread: decoders are C, and this is the file of a stranger. What crashes there, eats
memory or never ends takes nothing with it but the picture, not the console and what is being written in it;
a thread could not even be stopped. Who finds a hole in a decoder is still the operator's own account there:
that is why only four formats are decoded, and only when somebody wants to look.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO, Literal, get_args

import msgspec

from omni_console.i18n import _
from omni_console.images import worker
from omni_console.images.blocks import Picture

PATIENCE_S = 30.0  # with a machine that is busy; its own time is worker.CPU_S
# What Python and its libraries need to be found; no token of the operator's is there.
ENVIRONMENT = (
    "PATH",
    "HOME",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)

Problem = Literal["missing", "bytes", "format", "pixels", "memory", "damaged", "time", "crashed", "start"]


class UnreadableError(Exception):
    """There is no picture to show; `why` says it to the operator."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail

    @property
    def why(self) -> str:
        megapixels, megabytes = worker.PIXELS_MAX // 1_000_000, worker.BYTES_MAX // 1024 // 1024
        return {
            "missing": _(
                "pictures are shown with Pillow: pipx inject omni-console pillow, or pip install pillow"
            ),
            "bytes": _("too large to be decoded here: more than {n} MB").format(n=megabytes),
            "format": _("whatever its name says, this is no PNG, JPEG, GIF or WebP"),
            "pixels": _("too large to be decoded here: more than {n} megapixels").format(n=megapixels),
            "memory": _("decoding it takes more memory than pictures are given here"),
            "damaged": _("this picture is damaged, or not all of it came"),
            "time": _("decoding it takes too long"),
            "crashed": _("the decoder stopped at this picture"),
            "start": _("the decoder does not start: {why}").format(why=self.detail),
        }[self.problem]


class Facts(msgspec.Struct):
    """The worker's first line: a problem, or the measures of what follows."""

    problem: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    columns: int = 0
    rows: int = 0


def available() -> bool:
    """Is the extra `images` installed? Nothing of it is imported for that."""
    return importlib.util.find_spec("PIL") is not None


def check_size(size: int) -> None:
    """Before a file is fetched: is it one to be decoded here? Raises UnreadableError."""
    if not available():
        raise UnreadableError("missing")
    if size > worker.BYTES_MAX:
        raise UnreadableError("bytes")


async def decode(data: bytes, room: tuple[int, int], *, patience: float = PATIENCE_S) -> Picture:
    """The picture in at most `room` pixels. Raises UnreadableError."""
    check_size(len(data))
    # Files without a name and no pipes: nobody has to feed and to empty them at the same time, and how long
    # an answer can be is a limit of the process.
    try:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            await asyncio.to_thread(_put, given, data)
            code = await _run(given, answer, room, patience)
            answer.seek(0)
            raw = answer.read(worker.ANSWER_MAX)
    except OSError as error:
        raise UnreadableError("start", str(error)) from error
    if code:
        raise UnreadableError("time" if code == -signal.SIGXCPU else "crashed")
    return read(raw, room)


def _put(file: IO[bytes], data: bytes) -> None:
    file.write(data)
    file.seek(0)


async def _run(given: IO[bytes], answer: IO[bytes], room: tuple[int, int], patience: float) -> int:
    """Its exit code. Raises UnreadableError, OSError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # nothing is imported from the folder that the worker is in
        str(Path(worker.__file__)),
        *map(str, room),
        stdin=given,
        stdout=answer,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    )
    try:
        async with asyncio.timeout(patience):
            return await process.wait()
    except TimeoutError:
        raise UnreadableError("time") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def read(raw: bytes, room: tuple[int, int]) -> Picture:
    """The worker's answer. Pure. Raises UnreadableError, also for an answer that makes no sense."""
    line, _end, pixels = raw.partition(b"\n")
    try:
        facts = msgspec.json.decode(line, type=Facts)
    except msgspec.DecodeError as error:
        raise UnreadableError("crashed") from error
    for problem in get_args(Problem):
        if facts.problem == problem:
            raise UnreadableError(problem)
    fits = 0 < facts.columns <= room[0] and 0 < facts.rows <= room[1]
    if not fits or facts.format not in worker.FORMATS or len(pixels) != facts.columns * facts.rows * 3:
        raise UnreadableError("crashed")
    return Picture(facts.width, facts.height, facts.format, facts.columns, facts.rows, pixels)
