"""What the server measures of itself, for Prometheus.

No label ever holds what anybody is called or wrote: labels are configured names of channels and
webhooks, states and reasons from closed lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from server.lifecycle import SILENCE, UNDONE
from server.protocol import TransferFigures, WebhookInfo
from server.public.counters import Counters
from server.store.measure import Backlog
from server.store.transaction import Event

# An item is taken in as one of these …
OUTCOMES = ("stored", "duplicate", "quarantined", "unparsed")
# … or what somebody asked of the public door was refused, for one of these reasons.
REFUSALS = ("refused", "limited", "too_large", "unavailable", "failed", "slow", "crowded")

GROUP_SIZES = (1, 2, 5, 10, 20, 50, 100, 200)
COMMIT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What is true when somebody asks. Times are UTC milliseconds, sizes bytes."""

    now: int
    backlog: Backlog
    channels: Mapping[str, str]  # channel -> state
    webhooks: Sequence[WebhookInfo]
    consoles: int
    visitors: int  # site chats that listen now
    trouble: bool
    ready: bool
    disk_free: int
    database_size: int
    wal_size: int
    version: str
    sqlite: str


class Measures:
    """Counts since the start. `text(moment)` is the whole page."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._group_size = Histogram(
            "omni_commit_group_size",
            "Transactions that shared one commit.",
            buckets=GROUP_SIZES,
            registry=self.registry,
        )
        self._commit_seconds = Histogram(
            "omni_commit_seconds",
            "Time from the start of a group of transactions to its end on the disk.",
            buckets=COMMIT_S,
            registry=self.registry,
        )
        self._replies = Counter(
            "omni_replies", "Replies by what became of them.", ["result"], registry=self.registry
        )

        self._reopened = Counter(
            "omni_conversations_reopened",
            "Closed conversations that were opened again, by whom and after what closing.",
            ["by", "closed_by"],
            registry=self.registry,
        )
        self._closed_by_term = Counter(
            "omni_conversations_closed_by_term",
            "Conversations that nobody closed but an announced term.",
            registry=self.registry,
        )

    def committed(self, size: int, seconds: float) -> None:
        self._group_size.observe(size)
        self._commit_seconds.observe(seconds)

    def heard(self, event: Event) -> None:
        """For `Hub.on_event`."""
        if event.kind == "journal.quarantined":
            self.counters.add("quarantined", str(event.data.get("channel", "")))
        if event.kind == "message.status" and isinstance(result := event.data.get("status"), str):
            self._replies.labels(result).inc()
        why = event.data.get("why")
        if event.kind == "conversation.state" and "spam" not in event.data and why != UNDONE:
            old, new = event.data.get("from"), event.data.get("to")
            if old == "closed" and new != "closed":
                by = "customer" if event.operator_id is None else "operator"
                self._reopened.labels(by, "term" if event.data.get("after") == SILENCE else "operator").inc()
            elif why == SILENCE:
                self._closed_by_term.inc()

    def text(self, moment: Moment) -> bytes:
        """The text exposition format, version 0.0.4."""
        return generate_latest(self.registry) + generate_latest(_Page(self._page(moment)))

    def _page(self, moment: Moment) -> Iterable[Metric]:
        intake = CounterMetricFamily(
            "omni_intake",
            "Items that channels brought, by what became of them (unparsed ones are stored too).",
            labels=["channel", "outcome"],
        )
        refused = CounterMetricFamily(
            "omni_refused", "Requests and connections that were turned away.", labels=["channel", "reason"]
        )
        for channel in moment.channels:
            for outcome in OUTCOMES:
                intake.add_metric([channel, outcome], self.counters.get(outcome, channel))
        for channel in ("", *moment.channels):
            for reason in REFUSALS:
                refused.add_metric([channel, reason], self.counters.get(reason, channel))
        yield intake
        yield refused
        yield from _backlog(moment)
        yield from _webhooks(moment)
        yield from _condition(moment)


class _Page:
    """Families that are made anew for each request, in the shape of a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _backlog(moment: Moment) -> Iterable[Metric]:
    backlog = moment.backlog
    waiting = GaugeMetricFamily("omni_outbox", "Replies that are not settled.", labels=["channel", "state"])
    for (channel, state), count in sorted(backlog.outbox.items()):
        waiting.add_metric([channel, state], count)
    yield waiting
    yield _gauge(
        "omni_outbox_oldest_seconds",
        "Age of the oldest reply on its way.",
        _age(moment, backlog.oldest_reply_at),
    )
    yield _gauge("omni_queue_conversations", "Open conversations that nobody has taken.", backlog.queue)
    yield _gauge(
        "omni_queue_oldest_seconds",
        "How long the first of them waits.",
        _age(moment, backlog.oldest_queued_at),
    )
    yield _gauge(
        "omni_forgotten",
        "Conversations of 30 days closed without an answer, of people with whom nothing goes on.",
        backlog.forgotten,
    )
    journal = GaugeMetricFamily("omni_journal", "Raw items that are not taken in.", labels=["state"])
    for state, count in sorted(backlog.journal.items()):
        journal.add_metric([state], count)
    yield journal
    yield from _transfers(backlog.day)
    yield _gauge("omni_event_seq", "Number of the newest event of the log.", backlog.newest_seq)


def _transfers(day: TransferFigures) -> Iterable[Metric]:
    closed = GaugeMetricFamily(
        "omni_closed_day",
        "Conversations closed in the last 24 hours, by how often they were handed over.",
        labels=["transfers"],
    )
    for times, count in (("0", day.none), ("1", day.once), ("2+", day.more)):
        closed.add_metric([times], count)
    yield closed
    moved = GaugeMetricFamily(
        "omni_transfers_day",
        "Hand-overs of the last 24 hours: within a team, to another one, and declined ones.",
        labels=["kind"],
    )
    kinds = {"within": day.handed_over - day.between_teams, "between": day.between_teams}
    for kind, count in {**kinds, "declined": day.declined}.items():
        moved.add_metric([kind], count)
    yield moved


def _webhooks(moment: Moment) -> Iterable[Metric]:
    up = GaugeMetricFamily(
        "omni_webhook_up", "1 where the receiver takes what it is told.", labels=["webhook"]
    )
    waiting = GaugeMetricFamily(
        "omni_webhook_waiting", "Events that the receiver asks for and has not taken.", labels=["webhook"]
    )
    lag = GaugeMetricFamily(
        "omni_webhook_lag_seconds", "How long ago the first of them happened.", labels=["webhook"]
    )
    requests = CounterMetricFamily(
        "omni_webhook_requests", "Attempts, by what came of them.", labels=["webhook", "result"]
    )
    for one in moment.webhooks:
        up.add_metric([one.name], int(one.state == "connected"))
        waiting.add_metric([one.name], one.waiting)
        lag.add_metric([one.name], _age(moment, one.oldest_at))
        requests.add_metric([one.name, "taken"], one.delivered)
        requests.add_metric([one.name, "failed"], one.failed)
    yield from (up, waiting, lag, requests)


def _condition(moment: Moment) -> Iterable[Metric]:
    up = GaugeMetricFamily(
        "omni_channel_up", "1 where the channel is connected.", labels=["channel", "state"]
    )
    for channel, state in moment.channels.items():
        up.add_metric([channel, state], int(state == "connected"))
    yield up
    yield _gauge("omni_consoles", "Consoles that are connected.", moment.consoles)
    yield _gauge("omni_visitors", "Site chats that listen.", moment.visitors)
    yield _gauge("omni_ready", "1 where everything has started and nothing keeps messages out.", moment.ready)
    yield _gauge("omni_trouble", "1 where nothing can be stored.", moment.trouble)
    yield _gauge("omni_disk_free_bytes", "Free on the disk of the data directory.", moment.disk_free)
    yield _gauge("omni_database_bytes", "Size of the database.", moment.database_size)
    yield _gauge("omni_wal_bytes", "Size of its write-ahead log.", moment.wal_size)
    build = InfoMetricFamily("omni_build", "What runs.")
    build.add_metric([], {"version": moment.version, "sqlite": moment.sqlite})
    yield build


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _age(moment: Moment, since: int | None) -> float:
    return 0.0 if since is None else max(0, moment.now - since) / 1000
