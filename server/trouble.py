"""Why nothing can be taken in or written now, and what else stands on the line that every console shows."""

from __future__ import annotations

import shutil

import structlog

from server.clock import Clock
from server.cut_off import CutOff
from server.hub import Hub
from server.protocol import OperatorInfo
from server.settings import ServerSettings
from server.store import state
from server.store.database import Database

log = structlog.get_logger(__name__)

MIB = 1024 * 1024


class Trouble:
    """`hub`: whom it is told, as soon as there is one."""

    def __init__(self, settings: ServerSettings, cut_off: CutOff, clock: Clock) -> None:
        self._data_dir = settings.data_dir
        self._reserve = settings.disk_reserve_mb * MIB
        self._cut_off = cut_off
        self._clock = clock
        self.hub: Hub | None = None
        self.disk = ""
        self._writing = ""
        self._parser_away = ""

    def text(self) -> str:
        """Why nothing can be taken in or written now, or ""."""
        return self._writing or self.disk

    def refusal(self) -> str:
        """Why channels may hand nothing over now, or ""."""
        return self.disk

    def notice(self, operator: OperatorInfo | None = None) -> str:
        """What an operator is shown: trouble, or what merely waits, and channels that are cut off."""
        cut_off = self._cut_off.text(self._clock.now(), "" if operator is None else operator.login)
        return "; ".join(filter(None, (self.text() or self._parser_away, cut_off)))

    def parser_is_away(self, why: str) -> None:
        text = f"new mail is kept and waits: {why}" if why else ""
        if text != self._parser_away:
            self._parser_away = text
            self._tell()

    def writing_changed(self, text: str) -> None:
        # That one small write went well says little on a full disk: `look_at_writing` finds out its end.
        if text and text != self._writing:
            self._writing = text
            self._tell()

    async def look_at_writing(self, database: Database) -> None:
        """End the trouble when a message could be stored again, also while nobody writes one."""
        if self._writing:
            await database.write(state.try_writing)
            self._writing = ""
            self._tell()

    def look_at_disk(self) -> None:
        free = shutil.disk_usage(self._data_dir).free
        # Some slack before it is taken back, or it would flicker at the border.
        if free < self._reserve:
            text = f"only {free // MIB} MiB free on the disk: nothing new is accepted"
        elif self.disk and free < self._reserve * 1.1:
            text = self.disk
        else:
            text = ""
        if bool(text) != bool(self.disk):
            self.disk = text
            self._tell()

    def look_at_channels(self) -> None:
        if self.hub is not None and self.notice() != self.hub.trouble:
            self._tell()

    def _tell(self) -> None:
        text = self.notice()
        if text:
            log.error("trouble", reason=text)
        else:
            log.info("trouble is over")
        if self.hub is not None and text != self.hub.trouble:
            self.hub.tell_trouble(text, self.notice)
