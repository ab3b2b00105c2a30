"""Every mail that the server keeps against the journal: nothing may be missing without a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.base import BoxLedger, Host, Missing, Placed
from channels.email import bookmark as marks
from channels.email.bookmark import Bookmark
from channels.email.imap import META_BATCH, ImapRefusedError, ImapSession, Meta

NEVER_TAKEN = "it lies below the place up to which the folder was read, and was never taken"
ANOTHER = "another mail lies under its number than the one that was taken (a folder put back from a backup?)"


async def reconcile(session: ImapSession, folder: str, host: Host) -> BoxLedger:
    """One folder. Raises ImapError; a folder that cannot be looked at says so."""
    try:
        box = await session.select(folder)
        uids = await session.search("ALL")
    except ImapRefusedError as error:
        return BoxLedger(box=folder, epoch=0, kept=0, problem=str(error))
    value = await host.get(marks.state_key(folder))
    mark = None if value is None else marks.decode(value)
    if mark is None or mark.uidvalidity != box.uidvalidity:
        why = "not read yet" if mark is None else "renumbered, and not compared yet"
        return BoxLedger(box=folder, epoch=box.uidvalidity, kept=len(uids), arriving=len(uids), problem=why)
    placed = {one.number: one for one in await host.places(folder, box.uidvalidity)}
    # What lay there before the first contact is told by its number, without asking for every mail of years.
    asked = [uid for uid in uids if uid in placed or mark.start_uid < uid <= mark.last_uid]
    metas: dict[int, Meta] = {}
    for start in range(0, len(asked), META_BATCH):
        metas |= await session.metas(asked[start : start + META_BATCH])
    return account(folder, mark, uids, placed, metas)


def account(
    folder: str,
    mark: Bookmark,
    uids: Sequence[int],
    placed: Mapping[int, Placed],
    metas: Mapping[int, Meta],
) -> BoxLedger:
    """What became of each UID. Pure; `metas` may lack those that are gone since."""
    counts = {"taken": 0, "received": 0, "quarantined": 0, "before": 0, "arriving": 0}
    missing: list[Missing] = []
    for uid in uids:
        one, meta = placed.get(uid), metas.get(uid)
        date = None if meta is None else meta.internal_date
        if one is not None and None not in (one.date, date) and one.date != date:
            missing.append(Missing(number=uid, why=ANOTHER))
        elif one is not None:
            counts[one.state] += 1
        elif uid > mark.last_uid:
            counts["arriving"] += 1
        elif uid <= mark.start_uid or (not mark.start_uid and date is not None and date <= mark.floor):
            counts["before"] += 1
        elif meta is None:
            counts["arriving"] += 1  # deleted while we counted: the next look does not find it
        else:
            missing.append(Missing(number=uid, why=NEVER_TAKEN))
    return BoxLedger(
        box=folder,
        epoch=mark.uidvalidity,
        kept=len(uids),
        taken=counts["taken"],
        waiting=counts["received"],
        quarantined=counts["quarantined"],
        before=counts["before"],
        arriving=counts["arriving"],
        gone=len(placed.keys() - set(uids)),
        unaccounted=tuple(missing),
    )
