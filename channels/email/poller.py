"""Reads the watched folders for as long as the channel runs: connect, catch up, idle, again."""

from __future__ import annotations

import asyncio
import random

import msgspec

from channels.base import ChannelHealth, Host, HostUnavailableError
from channels.email.commits import Commits
from channels.email.folder import Folder
from channels.email.imap import (
    ImapError,
    ImapRefusedError,
    ImapSession,
    LinkLostError,
    LoginRefusedError,
    Special,
)
from channels.email.imap_link import open_session
from channels.email.oauth import TokenError, TokenSource
from channels.email.pace import Backoff, Pace
from channels.email.settings import EmailSettings, first_contact_days

IDLE_STRIKES = 2
POLLS_BEFORE_IDLE_AGAIN = 30


class Poller:
    """One account. `run()` ends only by cancellation; `finish()` awaits a submit that is under way."""

    def __init__(
        self, settings: EmailSettings, host: Host, pace: Pace, tokens: TokenSource | None = None
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._host = host
        self._pace = pace
        self._commits = Commits(host)
        self._days = first_contact_days(settings.first_contact)
        self._folders = [
            Folder(name, "", settings, host, self._commits, self._days) for name in settings.folders
        ]
        self._sent: Folder | None = None
        self._nudge = asyncio.Event()  # cuts an IDLE short
        self._nudging: asyncio.TimerHandle | None = None
        self._nudged_at = 0.0
        self._idle_strikes = 0
        self._polls = 0
        self._chance = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._reported: ChannelHealth | None = None

    async def run(self) -> None:
        link = Backoff(self._pace.backoff_first, self._pace.backoff_max)
        store = Backoff(self._pace.backoff_first, self._pace.host_backoff_max)
        token = Backoff(self._pace.token_first, self._pace.refused)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._session()
            except LoginRefusedError as error:
                self._report("bad_credentials", f"the mail server refuses the login: {error}")
                pause = self._pace.refused
            except TokenError as error:
                self._report("bad_credentials", f"no token to log in with: {error}")
                pause = token.next()
            except HostUnavailableError as error:
                self._forget()
                self._report("retrying", f"mail waits on its server, this one cannot store now: {error}")
                if loop.time() - began > self._pace.healthy_after:
                    store.reset()
                pause = store.next()
            except (ImapError, ImapRefusedError) as error:
                if loop.time() - began > self._pace.healthy_after:
                    link.reset()
                self._report("retrying", str(error))
                pause = link.next()
            except Exception as error:
                # A defect of ours must not end the channel in silence.
                self._forget()
                self._host.log.exception("email.poller_failed")
                self._report("retrying", f"unexpected {type(error).__name__}: {error}")
                pause = link.next()
            await asyncio.sleep(pause)

    def sent(self) -> None:
        """Something of ours went out: soon it may lie in the Sent folder, under an id that the relay gave it.
        At most one IDLE in `poll_seconds` is cut short for that."""
        if self._sent is None or self._nudging is not None:
            return
        loop = asyncio.get_running_loop()
        at = max(loop.time() + self._pace.after_send, self._nudged_at + self._settings.poll_seconds)
        self._nudging = loop.call_at(at, self._nudge.set)

    async def finish(self, timeout: float) -> None:
        """After cancellation: let the submit that is under way come to its end, at most `timeout` s."""
        await self._commits.finish(timeout)

    def folders(self) -> list[str]:
        """Names of everything that is read, the Sent folder too once it was found."""
        return [folder.name for folder in self._all()]

    def _forget(self) -> None:
        for folder in self._all():
            folder.forget()

    def _all(self) -> list[Folder]:
        return self._folders if self._sent is None else [*self._folders, self._sent]

    async def _session(self) -> None:
        session = await open_session(self._settings, self._pace, self._tokens)
        try:
            await self._find_special(session)
            while True:
                await self._look_at_all(session)
                await self._wait(session)
        finally:
            session.drop()

    async def _find_special(self, session: ImapSession) -> None:
        """Which folder holds what our side wrote in other programs, and which one what may be spam."""
        try:
            marked = await session.special_folders()
        except ImapRefusedError:
            marked = Special()
        for folder in self._folders:
            folder.junk = folder.name == marked.junk
        wanted = self._settings.sent_folder
        name = marked.sent if wanted == "auto" else wanted
        if not name or name in self._settings.folders:
            self._sent = None
        elif self._sent is None or self._sent.name != name:
            self._sent = Folder(name, "sent", self._settings, self._host, self._commits, self._days)

    async def _look_at_all(self, session: ImapSession) -> None:
        """Catch up with every folder; one that is missing does not stop the others."""
        if self._nudge.is_set():
            self._nudge.clear()
            self._nudging = None
            self._nudged_at = asyncio.get_running_loop().time()
        problems: list[str] = []
        folders = self._all()
        for folder in folders:
            try:
                if len(folders) == 1 or await folder.may_have_news(session):
                    await folder.catch_up(session)
            except ImapRefusedError as error:
                problems.append(f"folder {folder.name}: {error}")
        if len(problems) == len(folders):
            raise ImapRefusedError("; ".join(problems))
        notable = [session.notable] if session.notable else []
        self._report("connected", "; ".join(problems + notable))

    async def _wait(self, session: ImapSession) -> None:
        """Until there may be something new.

        IDLE hears one folder only. Where customers' mail comes to others too, these are looked at as often
        as by polling. The Sent folder brings only what our side wrote: it is looked at when the first folder
        rings, soon after each send of ours, and at the end of each IDLE, which is not cut short for it.
        """
        pace, poll = self._pace, self._settings.poll_seconds
        if not session.can_idle or self._idle_strikes >= IDLE_STRIKES:
            self._polls += 1
            if self._polls >= POLLS_BEFORE_IDLE_AGAIN:
                self._polls = self._idle_strikes = 0
            await asyncio.sleep(poll)
            return
        seconds = self._chance.uniform(pace.idle_min, pace.idle_max)
        first, *others = self._folders
        if others:
            seconds = min(seconds, poll)
        if self._sent is not None and self._settings.sent_seconds:
            seconds = min(seconds, self._settings.sent_seconds)
        if session.selected != first.name or session.notices != first.heard:
            await first.catch_up(session)
        try:
            await session.idle(seconds, self._nudge)
        except LinkLostError:
            raise
        except ImapRefusedError:
            self._idle_strikes += 1
            await asyncio.sleep(poll)
        except ImapError:
            self._idle_strikes += 1
            raise
        else:
            self._idle_strikes = 0

    def _report(self, state: str, detail: str) -> None:
        health = msgspec.convert({"state": state, "detail": detail[:500]}, ChannelHealth)
        if health != self._reported:
            self._reported = health
            self._host.report(health)
