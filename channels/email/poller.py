"""Reads the watched folders for as long as the channel runs: connect, catch up, idle, again.

Order of every mail: fetch → submit(raw, bookmark) → only then is it behind us. Nothing on the server is
ever changed, \\Seen included.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from channels.base import ChannelHealth, Delivery, Host, HostUnavailableError
from channels.email import bookmark as marks
from channels.email.bookmark import Bookmark, Continue, SkipPresent, Survey
from channels.email.imap import (
    META_BATCH,
    Box,
    ImapError,
    ImapRefusedError,
    ImapSession,
    LinkLostError,
    LoginRefusedError,
    Meta,
)
from channels.email.imap_answers import imap_date
from channels.email.imap_link import open_session
from channels.email.oauth import TokenError, TokenSource
from channels.email.pace import Backoff, Pace
from channels.email.settings import EmailSettings, first_contact_days

BATCH_MAILS = 20
BATCH_BYTES = 4 * 1024 * 1024
# A mail that the server does not hand out becomes a stub in the end, so that it cannot block the rest.
# A refusal tells more about the mail than a lost link, which may be anybody's fault.
REFUSED_WEIGHT, LOST_WEIGHT, GIVE_UP_AT = 4, 1, 12
IDLE_STRIKES = 2
POLLS_BEFORE_IDLE_AGAIN = 30
DAY_MS = 24 * 3600 * 1000


class Poller:
    """One account. `run()` ends only by cancellation; `finish()` awaits a submit that is under way."""

    def __init__(
        self, settings: EmailSettings, host: Host, pace: Pace, tokens: TokenSource | None = None
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._host = host
        self._pace = pace
        self._days = first_contact_days(settings.first_contact)
        self._bookmarks: dict[str, Bookmark] = {}
        self._failures: dict[tuple[str, int, int], int] = {}  # (folder, UIDVALIDITY, UID)
        self._idle_strikes = 0
        self._polls = 0
        self._store_backoff = Backoff(pace.backoff_first, pace.host_backoff_max)
        self._submitting: asyncio.Task[object] | None = None
        self._chance = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._reported: ChannelHealth | None = None

    async def run(self) -> None:
        link = Backoff(self._pace.backoff_first, self._pace.backoff_max)
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
                # Nothing was acknowledged: forget what we believed, read the bookmark anew.
                self._bookmarks.clear()
                self._report("retrying", f"mail waits on its server, this one cannot store now: {error}")
                pause = self._store_backoff.next()
            except (ImapError, ImapRefusedError) as error:
                if loop.time() - began > self._pace.healthy_after:
                    link.reset()
                self._report("retrying", str(error))
                pause = link.next()
            except Exception as error:
                # A defect of ours must not end the channel in silence.
                self._bookmarks.clear()
                self._host.log.exception("email.poller_failed")
                self._report("retrying", f"unexpected {type(error).__name__}: {error}")
                pause = link.next()
            await asyncio.sleep(pause)

    async def finish(self, timeout: float) -> None:
        """After cancellation: let the submit that is under way come to its end, at most `timeout` s."""
        task = self._submitting
        if task is None or task.done():
            return
        await asyncio.wait({task}, timeout=timeout)
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)
        if task.done() and not task.cancelled() and task.exception() is not None:
            self._host.log.warning("email.last_submit_failed", error=type(task.exception()).__name__)

    async def _session(self) -> None:
        session = await open_session(self._settings, self._pace, self._tokens)
        try:
            while True:
                await self._look_at_all(session)
                await self._wait(session)
        finally:
            session.drop()

    async def _look_at_all(self, session: ImapSession) -> None:
        """Catch up with every folder; one that is missing does not stop the others."""
        problems: list[str] = []
        for folder in self._settings.folders:
            try:
                await self._catch_up(session, folder)
            except ImapRefusedError as error:
                problems.append(f"folder {folder}: {error}")
        if len(problems) == len(self._settings.folders):
            raise ImapRefusedError("; ".join(problems))
        notable = [session.notable] if session.notable else []
        self._report("connected", "; ".join(problems + notable))

    async def _wait(self, session: ImapSession) -> None:
        """Until there may be something new."""
        pace, poll = self._pace, self._settings.poll_seconds
        if not session.can_idle or self._idle_strikes >= IDLE_STRIKES:
            self._polls += 1
            if self._polls >= POLLS_BEFORE_IDLE_AGAIN:
                self._polls = self._idle_strikes = 0
            await asyncio.sleep(poll)
            return
        seconds = self._chance.uniform(pace.idle_min, pace.idle_max)
        if len(self._settings.folders) > 1:
            # IDLE hears one folder only; the others are looked at as often as by polling.
            seconds = min(seconds, poll)
            await self._catch_up(session, self._settings.folders[0])
        try:
            await session.idle(seconds)
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

    async def _catch_up(self, session: ImapSession, folder: str) -> None:
        """Take what is new, until the server mentions nothing newer while we were busy."""
        while True:
            box = await session.select(folder)
            heard = session.notices
            await self._take_new(session, folder, box)
            # A notice that came inside another answer will not be repeated by IDLE.
            if session.notices == heard:
                return

    async def _take_new(self, session: ImapSession, folder: str, box: Box) -> None:
        known = await self._bookmark(folder)
        match marks.plan(known, box.uidvalidity, box.uidnext, self._days, self._host.now()):
            case Continue(bookmark=mark):
                # "n:*" always names the last message, also one below n (RFC 3501 6.4.8).
                found = await session.search(f"UID {mark.last_uid + 1}:*")
                await self._take(session, folder, mark, [uid for uid in found if uid > mark.last_uid])
            case Survey(since=since):
                top = await self._top_uid(session, box)
                # Dates in SEARCH are days of the server's own zone: ask for one more, filter exactly.
                uids = await session.search(f"SINCE {imap_date(since - DAY_MS)}")
                uids = [uid for uid in uids if uid <= top]
                base = known or Bookmark(uidvalidity=box.uidvalidity, last_uid=0, floor=since)
                if known is not None:
                    self._host.log.warning("email.uidvalidity_changed", folder=folder, candidates=len(uids))
                new = msgspec.structs.replace(base, uidvalidity=box.uidvalidity, last_uid=0)
                taken = await self._take(session, folder, new, uids, since=since)
                # Only now do the new numbers count: a crash before this repeats the whole survey.
                await self._keep(folder, msgspec.structs.replace(taken, last_uid=top))
            case SkipPresent():
                top = await self._top_uid(session, box)
                floor = await self._newest_present(session, top, box)
                await self._keep(
                    folder, Bookmark(uidvalidity=box.uidvalidity, last_uid=top, floor=floor, newest=floor)
                )

    async def _top_uid(self, session: ImapSession, box: Box) -> int:
        if box.uidnext is not None:
            return box.uidnext - 1
        return max(await session.search("ALL"), default=0)

    async def _newest_present(self, session: ImapSession, top: int, box: Box) -> int:
        """INTERNALDATE of the last message at first contact, 0 in an empty folder."""
        if not box.exists:
            return 0
        last = [uid for uid in await session.search("UID *") if uid <= top]
        dates = (
            [meta.internal_date or 0 for meta in (await session.metas(last[-1:])).values()] if last else []
        )
        return min(max(dates, default=0), self._host.now())

    async def _take(
        self,
        session: ImapSession,
        folder: str,
        mark: Bookmark,
        uids: Sequence[int],
        since: int | None = None,
    ) -> Bookmark:
        """Fetch and submit; returns the bookmark behind the last of them.

        With `since` it is a survey: older mails are left out, and no bookmark is written on the way.
        """
        batch: list[Delivery] = []

        async def flush() -> None:
            if since is not None:
                await self._submit(folder, batch, None)
            elif mark != self._bookmarks.get(folder):
                await self._submit(folder, batch, mark)
            batch.clear()

        for start in range(0, len(uids), META_BATCH):
            part = uids[start : start + META_BATCH]
            metas = await session.metas(part)
            for uid in part:
                meta = metas.get(uid)
                if meta is None or (since is not None and (meta.internal_date or since + 1) <= since):
                    mark = marks.advanced(mark, uid, None, 0)
                    continue
                try:
                    delivery = await self._fetch(session, folder, mark.uidvalidity, meta)
                except (ImapError, ImapRefusedError):
                    await flush()  # what is here already need not be fetched again
                    raise
                if delivery is not None:
                    if batch and sum(len(item.raw) for item in batch) + len(delivery.raw) > BATCH_BYTES:
                        await flush()
                    batch.append(delivery)
                mark = marks.advanced(mark, uid, meta.internal_date, self._host.now())
                if len(batch) >= BATCH_MAILS:
                    await flush()
        await flush()
        return mark

    async def _fetch(
        self, session: ImapSession, folder: str, uidvalidity: int, meta: Meta
    ) -> Delivery | None:
        """The mail as a delivery, a stub for what cannot be had, None for what is gone."""
        ticket = (folder, uidvalidity, meta.uid)
        strikes = self._failures.get(ticket, 0)
        try:
            if meta.size > self._settings.max_message_bytes:
                return await self._stub(session, ticket, meta, "too_big")
            if strikes >= GIVE_UP_AT:
                self._host.log.warning("email.mail_not_to_be_had", folder=folder, uid=meta.uid)
                return await self._stub(session, ticket, meta, "unavailable")
            raw = await session.body(meta.uid, meta.size)
            if raw is None and meta.uid in await session.metas([meta.uid]):
                raise ImapRefusedError(f"the server gives no body for UID {meta.uid}")
        except ImapRefusedError as error:
            self._failures[ticket] = strikes + REFUSED_WEIGHT
            raise ImapError(f"folder {folder}, UID {meta.uid}: {error}") from error
        except ImapError:
            self._failures[ticket] = strikes + LOST_WEIGHT
            raise
        self._failures.pop(ticket, None)
        return None if raw is None else self._delivery(ticket, meta, raw, "", marks.dedupe_key(raw))

    async def _stub(
        self, session: ImapSession, ticket: tuple[str, int, int], meta: Meta, why: str
    ) -> Delivery:
        """Header only; without even that once the header, too, was asked for in vain."""
        raw = b""
        if self._failures.get(ticket, 0) < 2 * GIVE_UP_AT:
            raw = await session.header(meta.uid) or b""
        self._failures.pop(ticket, None)
        # Without any bytes only the place tells one such mail from another.
        place = "\0".join(str(part) for part in ticket).encode() if not raw else b""
        return self._delivery(ticket, meta, raw, why, marks.dedupe_key(raw + place, "stub", meta.size))

    def _delivery(
        self, ticket: tuple[str, int, int], meta: Meta, raw: bytes, stub: str, key: str
    ) -> Delivery:
        folder, uidvalidity, _ = ticket
        return Delivery(
            dedupe_key=key,
            raw=raw,
            event=None,
            meta={
                "dedupe_key": key,
                "folder": folder,
                "uidvalidity": str(uidvalidity),
                "uid": str(meta.uid),
                "internal_date": "" if meta.internal_date is None else str(meta.internal_date),
                "size": str(meta.size),
                "limit": str(self._settings.max_message_bytes),
                "stub": stub,
                "address": self._settings.address,
            },
        )

    async def _submit(self, folder: str, batch: list[Delivery], mark: Bookmark | None) -> None:
        """Journal the batch and move the bookmark (unless None) in one transaction."""
        if not batch:
            if mark is not None:
                await self._keep(folder, mark)
            return
        written = None if mark is None else (marks.state_key(folder), marks.encode(mark))
        deliveries = tuple(batch)
        await self._shielded(lambda: self._host.submit(deliveries, written))
        self._store_backoff.reset()
        if mark is not None:
            self._bookmarks[folder] = mark

    async def _keep(self, folder: str, mark: Bookmark) -> None:
        await self._shielded(lambda: self._host.put(marks.state_key(folder), marks.encode(mark)))
        self._bookmarks[folder] = mark

    async def _shielded(self, call: Callable[[], Awaitable[object]]) -> None:
        """A commit that has begun is not torn apart by stop()."""

        async def commit() -> object:
            return await call()

        self._submitting = asyncio.create_task(commit())
        await asyncio.shield(self._submitting)

    async def _bookmark(self, folder: str) -> Bookmark | None:
        if folder not in self._bookmarks:
            value = await self._host.get(marks.state_key(folder))
            if value is None:
                return None
            self._bookmarks[folder] = marks.decode(value)
        return self._bookmarks[folder]

    def _report(self, state: str, detail: str) -> None:
        health = msgspec.convert({"state": state, "detail": detail[:500]}, ChannelHealth)
        if health != self._reported:
            self._reported = health
            self._host.report(health)
