"""What was promised of the queue, looked at from outside, by SQL and plain arithmetic."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter

import msgspec

from channels.base import Medium
from server.queue import assigning
from server.queue.team_settings import Member, Served
from server.queue.timekeeper import settle, step_of
from server.routing import Capacity
from server.store import deadlines, events
from server.store.transaction import Transaction
from tests.fakes.queue_world import MEDIA, QueueWorld


def _json(ids: set[int]) -> str:
    return msgspec.json.encode(sorted(ids)).decode()


class WatchedQueue(QueueWorld):
    def broken(self, done: list[assigning.Distribution], before: dict[int, Counter[Medium]]) -> list[str]:
        """What does not hold after a drain; `before`: who held how much ahead of it."""
        told = _json(self._keep_time())
        return [
            *self._beyond_capacity(done, before),
            *self._left_behind(),
            *self._out_of_turn(done),
            *self._limbo(),
            *self._unexplained(done),
            *self._miscounted(told),
            *self._unheard(told),
            *self._untimely(told),
        ]

    def _beyond_capacity(
        self, done: list[assigning.Distribution], before: dict[int, Counter[Medium]]
    ) -> list[str]:
        wrong = []
        members = self._members()
        held = {key: Counter(count) for key, count in before.items()}
        for found in done:
            for conversation_id, operator_id in found.returns:
                [row] = self.rows("SELECT channel_id FROM conversation WHERE id = ?", conversation_id)
                held[operator_id][MEDIA[row["channel_id"]]] -= 1
            for choice in found.choices:
                [row] = self.rows(
                    "SELECT channel_id, team, priority FROM conversation WHERE id = ?", choice.conversation_id
                )
                member, mine, medium = (
                    members.get(choice.operator_id),
                    held[choice.operator_id],
                    MEDIA[row["channel_id"]],
                )
                if member is None:
                    wrong.append(f"{choice} went to somebody who takes no work")
                    continue
                if self._served(row).team not in member.teams:
                    wrong.append(f"{choice} is of another team")
                if not fits(member.capacity, mine, medium, urgent=row["priority"] == 0):
                    wrong.append(f"{choice} is beyond {member.capacity}: {mine}")
                mine[medium] += 1
        return wrong

    def _left_behind(self) -> list[str]:
        """Whoever waits though somebody has room for him."""
        members, held, queue = self._members(), self.held(), self._queue()
        calls = sum(MEDIA[row["channel_id"]] == "call" for row in queue)
        wrong = []
        for row in queue:
            served, medium = self._served(row), MEDIA[row["channel_id"]]
            if not served.by_rules:
                continue
            candidates = {
                key: member
                for key, member in members.items()
                if served.team in member.teams and key != refused_by(row)
            }
            free = {
                key: member
                for key, member in candidates.items()
                if fits(member.capacity, held[key], medium, urgent=row["priority"] == 0)
            }
            # For each call that waits one operator finishes his chats and gets no new one: any of these.
            kept = calls if medium == "chat" else 0
            if len(free) > kept and not any(
                self._hopes(row, candidates, {key: free[key] for key in left})
                for left in itertools.combinations(free, len(free) - kept)
            ):
                wrong.append(f"{dict(row)} waits, and {sorted(free)} have room")
        return wrong

    def _hopes(self, row: sqlite3.Row, candidates: dict[int, Member], free: dict[int, Member]) -> bool:
        """It waits for somebody who can do more of what it needs, and not for too long yet."""
        patience = self._served(row).patience_ms
        if not 0 <= self.now - row["sort_at"] < patience:
            return False
        tags = {
            tag["tag"]
            for tag in self.rows("SELECT tag FROM conversation_tag WHERE conversation_id = ?", row["id"])
        }

        def able(member: Member) -> int:
            speaks = bool(row["language"]) and (not member.languages or row["language"] in member.languages)
            return len(tags & member.skills) + speaks

        return max(map(able, candidates.values())) > max(map(able, free.values()))

    def _out_of_turn(self, done: list[assigning.Distribution]) -> list[str]:
        """Who was served before somebody of the same channel who waits for longer, or is more urgent."""
        wrong = []
        members = self._members()
        queue = self._queue()
        for choice in [choice for found in done for choice in found.choices]:
            [served] = self.rows("SELECT * FROM conversation WHERE id = ?", choice.conversation_id)
            place = (served["priority"], served["sort_at"], served["id"])
            taker = {choice.operator_id: members[choice.operator_id]}
            for row in queue:
                same = (row["channel_id"], row["team"]) == (served["channel_id"], served["team"])
                if not same or refused_by(row) == choice.operator_id:
                    continue
                if (row["priority"], row["sort_at"], row["id"]) < place and not self._hopes(
                    row, members, taker
                ):
                    wrong.append(f"{choice} came before {dict(row)}")
        return wrong

    def _served(self, row: sqlite3.Row) -> Served:
        teams = self.desks.teams
        return teams.handed[row["team"]] if row["team"] else teams.served[row["channel_id"]]

    def _limbo(self) -> list[str]:
        """Work of somebody who is gone, and that he did not begin since it came to him."""
        return [
            f"conversation {row['id']} waits for {row['assignee_id']}, who is gone"
            for row in self.rows(
                "SELECT c.id, c.assignee_id FROM conversation c"
                " JOIN presence p ON p.operator_id = c.assignee_id"
                " WHERE c.state = 'open' AND p.state IN ('away', 'offline') AND NOT EXISTS ("
                " SELECT 1 FROM message m WHERE m.conversation_id = c.id AND m.operator_id = c.assignee_id"
                " AND m.seq > c.assigned_seq)"
                # Reopened or put away by himself: that is no event of assignment, and it is his own doing.
                " AND EXISTS (SELECT 1 FROM event e WHERE e.conversation_id = c.id"
                " AND e.kind = 'conversation.assigned' AND e.seq >= c.assigned_seq)"
            )
        ]

    def _miscounted(self, told: str) -> list[str]:
        """Counters that are kept, beside what they count."""
        [tally] = self.rows("SELECT n FROM tally WHERE name = 'queue'")
        wrong = [] if tally["n"] == len(self._queue()) else [f"the queue counts as {tally['n']}"]
        lengths = {
            (row["channel_id"], row["team"]): row["n"]
            for row in self.rows("SELECT * FROM queue_length WHERE n != 0")
        }
        if lengths != Counter((row["channel_id"], row["team"]) for row in self._queue()):
            wrong.append(f"the queues count as {lengths}")
        handed = self.rows(
            "SELECT c.id, c.transfers FROM conversation c"
            " WHERE c.id IN (SELECT value FROM json_each(?))"
            " AND c.transfers != (SELECT count(*) FROM transfer t"
            " WHERE t.conversation_id = c.id AND t.declined_at IS NULL)",
            told,
        )
        return wrong + [f"hand-overs of {row['id']} count as {row['transfers']}" for row in handed]

    def _unheard(self, told: str) -> list[str]:
        """Whoever wrote after all that we did to his conversation, and does not wait in anybody's sight."""
        return [
            f"conversation {row['id']} is {row['state']}, and its customer wrote last"
            for row in self.rows(
                "SELECT c.id, c.state FROM conversation c WHERE c.id IN (SELECT value FROM json_each(?))"
                " AND c.state != 'open' AND c.customer_seq > ("
                " SELECT max(e.seq) FROM event e WHERE e.conversation_id = c.id"
                " AND e.kind IN ('conversation.state', 'message.queued')"
                " AND coalesce(json_extract(e.data, '$.why'), '') != 'undone')",
                told,
            )
        ]

    def _untimely(self, told: str) -> list[str]:
        """Deadlines of replies run for those who wait for one, since they do, and for nobody else."""
        return [
            f"conversation {row['id']} waits since {row['waiting_since']}, its deadline says {row['since']}"
            for row in self.rows(
                "SELECT c.id, c.waiting_since, d.since FROM conversation c LEFT JOIN deadline d"
                " ON d.conversation_id = c.id AND d.status = 'running' AND d.kind != 'resolution'"
                " WHERE c.id IN (SELECT value FROM json_each(?))"
                " AND c.waiting_since IS DISTINCT FROM d.since",
                told,
            )
        ]

    def _keep_time(self) -> set[int]:
        """As the timekeeper does after each commit; the conversations of which anything was told since."""
        told: set[int] = set()

        def take(tx: Transaction) -> None:
            while page := events.after(tx, self._read, 500):
                step = step_of(page)
                for noted in step.noted:
                    deadlines.note(tx, noted)
                for key in step.touched:
                    settle(tx, key, self.rules)
                told.update(one.conversation_id for one in page if one.conversation_id is not None)
                self._read = page[-1].seq

        self.write(take)
        return told

    def _unexplained(self, done: list[assigning.Distribution]) -> list[str]:
        wrong = []
        for found in done:
            for choice in found.choices:
                [row] = self.rows(
                    "SELECT assigned_why FROM conversation WHERE id = ?", choice.conversation_id
                )
                told = self.rows(
                    "SELECT data FROM event WHERE conversation_id = ? AND kind = 'conversation.assigned'"
                    " ORDER BY seq DESC LIMIT 1",
                    choice.conversation_id,
                )
                data = msgspec.json.decode(told[0]["data"])
                if not choice.why or row["assigned_why"] != assigning.words(choice.why):
                    wrong.append(f"{choice} stores no reason: {row['assigned_why']!r}")
                if data["to"] != choice.operator_id or data["by"] != [reason.kind for reason in choice.why]:
                    wrong.append(f"{choice} is told otherwise: {data}")
        return wrong


def refused_by(row: sqlite3.Row) -> int | None:
    """Who gave it back or handed it to another team: it is not pressed on him again."""
    found: int | None = row["acted_by"] if row["acted"] in ("released", "declined") else None
    return found if row["given_from"] is None else row["given_from"]


def fits(capacity: Capacity, held: Counter[Medium], medium: Medium, *, urgent: bool) -> bool:
    """By the words of the promise: 3 chats, 5 messengers, 7 mails, one call that excludes chats, 7 in all."""
    limits = {
        "chat": capacity.chat,
        "messenger": capacity.messenger,
        "email": capacity.email,
        "call": capacity.call,
    }
    more = capacity.urgent_extra if urgent and medium != "call" else 0
    if (medium == "call" and held["chat"]) or (medium == "chat" and held["call"]):
        return False
    return (
        limits[medium] > 0
        and held[medium] + 1 <= limits[medium] + more
        and held.total() + 1 <= capacity.total + more
    )
