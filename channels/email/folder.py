"""Reads one folder: what is new since the bookmark, whatever became of the folder in between.

Order of every mail: fetch → submit(raw, place, bookmark) → only then is it behind us. Nothing on the server
is ever changed, \\Seen included.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from channels.base import Delivery, Host
from channels.email import bookmark as marks
from channels.email.bookmark import Bookmark, Continue, SkipPresent, Survey
from channels.email.commits import Commits
from channels.email.imap import (
    META_BATCH,
    SLICE,
    Box,
    ImapError,
    ImapRefusedError,
    ImapSession,
    Meta,
)
from channels.email.imap_answers import imap_date
from channels.email.mail_item import LARGE, Role, mail_delivery, place_of
from channels.email.settings import EmailSettings

BATCH_BYTES = 2 * 1024 * 1024
LISTED_AT_ONCE = 5_000
RECENT = 20  # numbers that are looked at again when a link is new
# A mail that the server does not hand out becomes a stub in the end, so that it cannot block the rest.
# A refusal tells more about the mail than a lost link, which may be anybody's fault.
REFUSED_WEIGHT, LOST_WEIGHT, GIVE_UP_AT = 4, 1, 12
DAY_MS = 24 * 3600 * 1000

T = TypeVar("T")


class Folder:
    """One folder of one account; it outlives the links over which it is read."""

    def __init__(
        self, name: str, role: Role, settings: EmailSettings, host: Host, commits: Commits, days: int | None
    ) -> None:
        self.name = name
        self.role = role
        self.junk = False  # the server says that junk is put there
        self._settings = settings
        self._host = host
        self._commits = commits
        self._days = days
        self._mark: Bookmark | None = None
        self._failures: dict[tuple[int, int], int] = {}  # (UIDVALIDITY, UID)
        self._careful: set[int] = set()  # UIDs among which is one that costs the link: one at a time
        self.heard = 0  # notices of the link up to which the folder was read
        self._looked: object = None  # the link over which the folder was compared with what we took

    def forget(self) -> None:
        """Nothing was acknowledged: read the bookmark anew."""
        self._mark = None

    async def may_have_news(self, session: ImapSession) -> bool:
        """A look at the folder's numbers, without leaving the one that is selected."""
        mark = await self._bookmark()
        if mark is None or self._looked is not session or session.selected == self.name:
            return True
        numbers = await session.numbers(self.name)
        return numbers != (mark.uidvalidity, mark.last_uid + 1)

    async def catch_up(self, session: ImapSession) -> None:
        """Take what is new, until the server mentions nothing newer while we were busy."""
        while True:
            box = await session.select(self.name)
            heard = session.notices
            try:
                await self._take_new(session, box)
                await self._commits.settle()
            except BaseException:
                await self._commits.abandon()
                raise
            # A notice that came inside another answer will not be repeated by IDLE.
            if session.notices == heard:
                self.heard = heard
                return

    # --- what to take ---------------------------------------------------------------------------------

    async def _take_new(self, session: ImapSession, box: Box) -> None:
        known = await self._bookmark()
        restored = known is not None and await self._is_restored(session, box, known)
        now = self._host.now()
        match marks.plan(known, box.uidvalidity, box.uidnext, self._days, now, restored):
            case Continue(bookmark=mark):
                # "n:*" always names the last message, also one below n (RFC 3501 6.4.8).
                found = await session.search(f"UID {mark.last_uid + 1}:*")
                await self._take_all(session, mark, [uid for uid in found if uid > mark.last_uid])
            case Survey() as survey:
                await self._survey(session, box, known, survey)
            case SkipPresent():
                top = await self._top_uid(session, box)
                floor = await self._newest_present(session, top, box)
                await self._keep(
                    Bookmark(
                        uidvalidity=box.uidvalidity, last_uid=top, floor=floor, newest=floor, start_uid=top
                    )
                )

    async def _is_restored(self, session: ImapSession, box: Box, known: Bookmark) -> bool:
        """Do other mails lie under the numbers that we took last? Asked once for every link."""
        if self._looked is session or known.uidvalidity != box.uidvalidity:
            return False
        self._looked = session
        placed = await self._host.places(self.name, box.uidvalidity, newest=RECENT)
        if not placed:
            return False
        metas = await session.metas([one.number for one in placed])
        # Sizes are estimates on some servers; the moment of arrival is written down once.
        return any(
            one.number in metas and metas[one.number].internal_date != one.date
            for one in placed
            if one.date is not None
        )

    async def _survey(self, session: ImapSession, box: Box, known: Bookmark | None, survey: Survey) -> None:
        top = await self._top_uid(session, box)
        # Dates in SEARCH are days of the server's own zone: ask for one more, filter exactly.
        found = await session.search(f"SINCE {imap_date(survey.since - DAY_MS)}")
        metas = [
            meta
            for part in _parts([uid for uid in found if uid <= top], META_BATCH)
            for meta in (await session.metas(part)).values()
            if (meta.internal_date or survey.since + 1) > survey.since
        ]
        base = known or Bookmark(uidvalidity=box.uidvalidity, last_uid=0, floor=survey.since)
        mark = msgspec.structs.replace(base, uidvalidity=box.uidvalidity, last_uid=0, start_uid=0)
        if known is not None:
            self._host.log.warning("email.folder_renumbered", folder=self.name, candidates=len(metas))
            listed = [meta for meta in metas if (meta.internal_date or survey.listed + 1) <= survey.listed]
            unknown = await self._compare(session, box, listed)
            metas = [meta for meta in metas if meta not in listed or meta.uid in unknown]
        taken = await self._take(session, mark, sorted(metas, key=lambda meta: meta.uid), survey=True)
        await self._commits.settle()
        # Only now do the new numbers count: a crash before this repeats the whole survey.
        await self._keep(msgspec.structs.replace(taken, last_uid=top))

    async def _compare(self, session: ImapSession, box: Box, metas: Sequence[Meta]) -> set[int]:
        """UIDs whose listing is that of no mail we have."""
        unknown: set[int] = set()
        for some in _parts(metas, LISTED_AT_ONCE):
            places = []
            for part in _parts(some, META_BATCH):
                headers = await session.listing([meta.uid for meta in part])
                places += [
                    place_of(self.name, box.uidvalidity, meta, headers.get(meta.uid, b"")) for meta in part
                ]
            unknown.update(place.number for place in await self._host.found_again(places))
        return unknown

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

    # --- taking it ------------------------------------------------------------------------------------

    async def _take_all(self, session: ImapSession, mark: Bookmark, uids: Sequence[int]) -> None:
        for part in _parts(uids, META_BATCH):
            metas = await session.metas(part)
            mark = await self._take(session, mark, [metas[uid] for uid in part if uid in metas])
            # Mails that went before we came to them lie behind us too.
            mark = marks.advanced(mark, part[-1], None, 0)
        await self._commits.settle()
        if mark != self._mark:
            await self._keep(mark)

    async def _take(
        self, session: ImapSession, mark: Bookmark, metas: Sequence[Meta], survey: bool = False
    ) -> Bookmark:
        """Fetch and submit in this order; the bookmark behind the last of them.

        While surveying no bookmark is written on the way: the new numbers do not count yet.
        """
        batch: list[Delivery] = []
        weight = 0

        async def flush() -> None:
            nonlocal batch, weight
            if batch:
                deliveries, at, batch, weight = batch, mark, [], 0
                await self._commits.begin(lambda: self._submit(deliveries, None if survey else at))

        for group in self._groups(metas):
            try:
                bodies = await self._bodies(session, group)
                for meta in group:
                    raw = bodies.get(meta.uid)
                    delivery = (
                        await self._item(mark, meta, raw)
                        if raw is not None
                        else await self._alone(session, mark, meta)
                    )
                    if delivery is not None:
                        batch.append(delivery)
                        weight += len(delivery.raw)
                    mark = marks.advanced(mark, meta.uid, meta.internal_date, self._host.now())
                    if weight > BATCH_BYTES:
                        await flush()
            except (ImapError, ImapRefusedError):
                await flush()  # what is here already need not be fetched again
                raise
            await flush()
        return mark

    def _groups(self, metas: Sequence[Meta]) -> Iterator[list[Meta]]:
        """Small mails together, up to what one answer may bring; a large or a suspect one alone."""
        group: list[Meta] = []
        weight = 0
        for meta in metas:
            most = min(SLICE, self._settings.max_message_bytes)
            alone = meta.size > most or meta.uid in self._careful
            if group and (alone or weight + meta.size > SLICE):
                yield group
                group, weight = [], 0
            group.append(meta)
            weight += meta.size
            if alone:
                yield group
                group, weight = [], 0
        if group:
            yield group

    async def _bodies(self, session: ImapSession, group: Sequence[Meta]) -> dict[int, bytes]:
        """Those of the group that come by one command; the others are asked for one by one."""
        if len(group) == 1:
            return {}
        uids = [meta.uid for meta in group]
        try:
            return await session.bodies(uids)
        except ImapRefusedError:
            return {}
        except ImapError:
            # One of them may be why the link went: next time they are fetched alone.
            self._careful.update(uids)
            raise

    async def _item(
        self, mark: Bookmark, meta: Meta, raw: bytes, stub: str = "", header: bytes | None = None
    ) -> Delivery:
        place = place_of(self.name, mark.uidvalidity, meta, raw if header is None else header)
        make = functools.partial(
            mail_delivery, self._settings, place, raw, role=self.role, stub=stub, junk=self.junk
        )
        return make() if len(raw) <= LARGE else await asyncio.to_thread(make)

    async def _alone(self, session: ImapSession, mark: Bookmark, meta: Meta) -> Delivery | None:
        """The mail as a delivery, a stub for what cannot be had, None for what is gone."""
        ticket = (mark.uidvalidity, meta.uid)
        strikes = self._failures.get(ticket, 0)
        try:
            if meta.size > self._settings.max_message_bytes:
                return await self._stub(session, mark, meta, "too_big")
            if strikes >= GIVE_UP_AT:
                self._host.log.warning("email.mail_not_to_be_had", folder=self.name, uid=meta.uid)
                return await self._stub(session, mark, meta, "unavailable")
            raw = await session.body(meta.uid, meta.size)
            if raw is None and meta.uid in await session.metas([meta.uid]):
                raise ImapRefusedError(f"the server gives no body for UID {meta.uid}")
        except ImapRefusedError as error:
            self._failures[ticket] = strikes + REFUSED_WEIGHT
            raise ImapError(f"folder {self.name}, UID {meta.uid}: {error}") from error
        except ImapError:
            self._failures[ticket] = strikes + LOST_WEIGHT
            raise
        self._failures.pop(ticket, None)
        self._careful.discard(meta.uid)
        return None if raw is None else await self._item(mark, meta, raw)

    async def _stub(self, session: ImapSession, mark: Bookmark, meta: Meta, why: str) -> Delivery:
        """Header only; without even that once the header, too, was asked for in vain."""
        ticket = (mark.uidvalidity, meta.uid)
        raw = b""
        if self._failures.get(ticket, 0) < 2 * GIVE_UP_AT:
            raw = await session.header(meta.uid) or b""
        self._failures.pop(ticket, None)
        return await self._item(mark, meta, raw, why)

    # --- committing it --------------------------------------------------------------------------------

    async def _submit(self, deliveries: Sequence[Delivery], mark: Bookmark | None) -> None:
        """Journal the batch and move the bookmark (unless None) in one transaction."""
        written = None if mark is None else (marks.state_key(self.name), marks.encode(mark))
        await self._host.submit(deliveries, written)
        if mark is not None:
            self._mark = mark

    async def _keep(self, mark: Bookmark) -> None:
        async def put() -> None:
            await self._host.put(marks.state_key(self.name), marks.encode(mark))
            self._mark = mark

        await self._commits.begin(put)
        await self._commits.settle()

    async def _bookmark(self) -> Bookmark | None:
        if self._mark is None:
            value = await self._host.get(marks.state_key(self.name))
            self._mark = None if value is None else marks.decode(value)
        return self._mark


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
