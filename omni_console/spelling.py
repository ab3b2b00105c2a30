"""The operator's own speller: a program that gets the text and prints the words it does not know."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from omni_console.own_programs import OwnProgramError

SECONDS = 10.0
WORDS_MAX = 200
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
# Quoted lines are somebody else's; addresses and variables are no words.
_NOT_OURS = re.compile(r"(?m)^>.*$|\{[^{}\n]*\}|\S+@\S+|https?://\S+")


def own_words(text: str) -> str:
    """What the speller is given: the operator's own words, the lines as they are. Pure."""
    return _NOT_OURS.sub(" ", text)


def unknown(text: str, command: Sequence[str]) -> tuple[str, ...]:
    """The words of a text that the program does not know, in their order, each once.

    `command` reads the text and prints such words one a line, as `hunspell -l` and `aspell list` do.
    Blocking. Raises OwnProgramError, OSError.
    """
    own = own_words(text)
    try:
        done = subprocess.run(
            list(command),
            input=own.encode("utf-8", "replace"),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OwnProgramError(f"{command[0]} says nothing for {SECONDS:g} seconds") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200]
        raise OwnProgramError(f"{command[0]} ended with {done.returncode}: {said}".rstrip(": "))
    told = {line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines()}
    # Only what stands in the text: whatever else the program says is not shown.
    return tuple(dict.fromkeys(word for word in _WORD.findall(own) if word in told))[:WORDS_MAX]
