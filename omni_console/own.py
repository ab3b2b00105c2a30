"""What is the operator's own: keys and macros, settings, what he typed. Read once at the start."""

from __future__ import annotations

from pathlib import Path

import msgspec

from omni_console import own_files, own_keys, own_settings
from omni_console.begun_words import BegunWords
from omni_console.command_history import CommandHistory
from omni_console.own_keys import OwnKeys
from omni_console.own_settings import Settings


class Own(msgspec.Struct, frozen=True):
    keys: OwnKeys = msgspec.field(default_factory=OwnKeys)
    settings: Settings = msgspec.field(default_factory=Settings)
    history: CommandHistory = msgspec.field(default_factory=CommandHistory)
    begun: BegunWords = msgspec.field(default_factory=BegunWords)
    tour: bool = False  # the first steps are shown
    tour_shown: Path | None = None  # the file that remembers it
    layouts: Path | None = None  # the folder in which they are kept; None: nowhere
    problems: tuple[str, ...] = ()  # a sentence for each thing in these files that is not used


def read(keys_path: Path | None = None, *, tour: bool = False) -> Own:
    """From the usual places, or the keys from another file."""
    keys = own_keys.load(keys_path or own_files.configuration("keys.toml"))
    found = own_settings.load(own_files.configuration("console.toml"))
    kept = found.settings.history
    return Own(
        keys=keys,
        settings=found.settings,
        history=CommandHistory(own_files.state("commands") if kept else None),
        begun=BegunWords(own_files.state("to-many.json") if kept else None),
        layouts=own_files.state("layouts"),
        tour=tour,
        tour_shown=own_files.state("tour"),
        problems=(*keys.problems, *found.problems),
    )
