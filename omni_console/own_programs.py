"""The operator's own programs: his pager for what came, and whatever opens a file. Plain Python.

Names come from senders: a file is saved under what is left of its name, and what could be run is not
opened.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from omni_console.cleaning import clean

SOURCE_MAX = 4_000_000  # characters of a source that a pager is given
LINE_MAX = 4_000
EDITED_MAX = 1_000_000  # bytes that an editor may give back
NAME_MAX = 120
# What runs when it is opened, here or on the machine to which it is sent on.
_RUNS = re.compile(
    r"appimage|bat|cmd|com|cpl|desktop|exe|hta|html?|jar|jse?|lnk|msi|pif|ps1|py|reg|scr|sh|svg|url|vb[es]?|wsf|xhtml"
)
_PROGRAMS = frozenset({"application/vnd.microsoft.portable-executable", "application/x-executable"})


class OwnProgramError(Exception):
    """There is no such program, or it may not be used for this; the text says what to do."""


def pager(environment: Mapping[str, str]) -> list[str]:
    """$PAGER, or less, or more. Raises OwnProgramError."""
    wanted = shlex.split(environment.get("PAGER", "")) or ["less"]
    for command in (wanted, ["less"], ["more"]):
        if shutil.which(command[0]):
            return command
    raise OwnProgramError("no pager was found: set PAGER")


def plain_source(raw: bytes) -> str:
    """Raw bytes as text that can do nothing to a terminal: no escape sequence, nothing invisible."""
    text = raw[: SOURCE_MAX * 4].decode("utf-8", "replace")
    return clean(text, text_max=SOURCE_MAX, line_max=LINE_MAX)


def show_in_pager(text: str, environment: Mapping[str, str]) -> None:
    """Run the pager on the terminal until it ends. Raises OwnProgramError, OSError."""
    command = pager(environment)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace", suffix=".txt") as file:
        file.write(text)
        file.flush()
        # LESSSECURE: no shell, no editor, no log file out of somebody else's text.
        subprocess.run([*command, file.name], check=False, env={**environment, "LESSSECURE": "1"})


def editor(environment: Mapping[str, str]) -> list[str]:
    """$VISUAL, or $EDITOR, or vi, or nano, with its arguments. Raises OwnProgramError."""
    for name in ("VISUAL", "EDITOR"):
        wanted = _split(environment.get(name, ""), name)
        if wanted:
            if shutil.which(wanted[0]) is None:
                raise OwnProgramError(f"there is no program {wanted[0]}: change ${name}")
            return wanted
    for program in ("vi", "nano"):
        if shutil.which(program):
            return [program]
    raise OwnProgramError("no editor was found: set EDITOR")


def _split(command: str, name: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise OwnProgramError(f"${name} cannot be read: {error}") from error


def edit(text: str, environment: Mapping[str, str]) -> str:
    """Let the operator's editor change a text on the terminal until it ends; the text as it is then.

    It lies in a file that nobody else can read, in a folder of its own that goes away with whatever the
    editor leaves there. Raises OwnProgramError (also for an editor that says it failed), OSError.
    """
    command = editor(environment)
    folder = Path(tempfile.mkdtemp(prefix="omni-draft-"))  # 0700
    try:
        path = folder / "reply.txt"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
        code = subprocess.run([*command, str(path)], check=False, env=dict(environment)).returncode
        if code:
            raise OwnProgramError(f"{command[0]} ended with {code}")
        if path.stat().st_size > EDITED_MAX:
            raise OwnProgramError("the text is too long for a message")
        return path.read_bytes().decode().rstrip("\n")
    except UnicodeDecodeError as error:
        raise OwnProgramError("what the editor wrote is not UTF-8") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def file_name(name: str) -> str:
    """What is left of a sender's file name: no path, nothing invisible, no leading dot, at most 120."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", name)
    plain = plain.encode("utf-8", "ignore").decode("utf-8")
    plain = re.split(r"[/\\]", plain)[-1].strip().lstrip(".-").rstrip(". ")
    plain = re.sub(r'[<>:"|?*]', "_", plain)
    stem, dot, extension = plain.rpartition(".")
    if dot and len(extension) <= 10:
        plain = f"{stem[: NAME_MAX - 11]}.{extension}"
    return plain[:NAME_MAX] or "file"


def save(data: bytes, name: str, folder: Path) -> Path:
    """Write a new file, never over another one; its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = file_name(name)
    stem, dot, extension = plain.rpartition(".")
    stem = stem if dot else plain
    for number in range(1, 1000):
        shown = plain if number == 1 else f"{stem} ({number}){dot}{extension if dot else ''}"
        path = folder / shown
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return path
    raise FileExistsError(f"there are a thousand files named {plain} in {folder}")


def runs(name: str, content_type: str = "") -> bool:
    """Would opening it run something? Some desktops go by the content, whatever the name says."""
    return (
        content_type in _PROGRAMS or _RUNS.fullmatch(file_name(name).rpartition(".")[2].lower()) is not None
    )


def opener(wanted: Sequence[str] = ()) -> list[str]:
    """What opens files, with its arguments: `wanted`, or the desktop's own. Raises OwnProgramError."""
    command = list(wanted) or ["open" if sys.platform == "darwin" else "xdg-open"]
    if shutil.which(command[0]) is None:
        if wanted:
            raise OwnProgramError(f"there is no program {command[0]}: change open in console.toml")
        raise OwnProgramError("no program here opens files (xdg-open): save it instead")
    return command


def open_file(data: bytes, name: str, content_type: str, command: Sequence[str]) -> Path:
    """Put a copy into a private folder and hand it to a program (`opener`), without waiting for it.

    Raises OwnProgramError, OSError.
    """
    if runs(name, content_type):
        raise OwnProgramError("opening this kind of file could run it: save it instead, and look twice")
    path = save(data, name, Path(tempfile.mkdtemp(prefix="omni-file-")))
    path.chmod(0o400)
    subprocess.Popen(
        [*command, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return path


def download_folder(environment: Mapping[str, str]) -> Path:
    """$XDG_DOWNLOAD_DIR, ~/Downloads where there is one, or the home folder."""
    named = environment.get("XDG_DOWNLOAD_DIR")
    if named:
        return Path(named).expanduser()
    usual = Path.home() / "Downloads"
    return usual if usual.is_dir() else Path.home()
