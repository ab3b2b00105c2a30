"""Filters of lists, kept under a name."""

from __future__ import annotations

from typing import Annotated

import msgspec

from server.protocol.base import ONE_LINE, View

ViewName = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=ONE_LINE)]


class SavedViewCommand(msgspec.Struct, kw_only=True):
    """`filter`: what is typed (docs/search.md). One's own view of this name, or everybody's, is this from
    now on."""

    name: ViewName
    base: View
    filter: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    shared: bool = False


class SavedView(msgspec.Struct, kw_only=True):
    id: int
    name: str
    base: View
    filter: str
    shared: bool
    by: str  # who made it
    by_id: int
    updated_at: int
