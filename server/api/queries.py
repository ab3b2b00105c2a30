"""What is typed to find something, as requests bring it."""

from __future__ import annotations

from datetime import UTC, datetime

from server.api.context import ApiError, Context, refused
from server.protocol import ChannelInfo, OperatorInfo
from server.protocol.filtering import Known
from server.protocol.query import Query, QueryError, parse
from server.store import operators as accounts
from server.store.transaction import Snapshot


def query_of(text: str) -> Query:
    """Raises ApiError."""
    try:
        return parse(text)
    except QueryError as error:
        raise not_meant(error) from error


def not_meant(error: QueryError) -> ApiError:
    return refused(400, "bad_request", error.message, error.hint)


def known_to(tx: Snapshot, me: OperatorInfo, channels: list[ChannelInfo]) -> Known:
    """Whom and what the names in a query may mean."""
    return Known(me=me.id, operators=accounts.everybody(tx), channels=channels)


def here(context: Context) -> datetime:
    """Now, for dates in a query: consoles send moments, and the rest is UTC."""
    return datetime.fromtimestamp(context.clock.now() / 1000, UTC)
