"""Filters of lists that are kept under a name: one's own, and everybody's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.protocol import SavedView
from server.store import saved_views
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, running_server

ADMIN = None  # the account that runs the test


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def names(run: Running, uid: int | None) -> list[str]:
    return [one.name for one in await ask(run, list[SavedView], "GET", "/v1/views", uid)]


async def test_ones_own_are_seen_by_nobody_else(run: Running) -> None:
    body = {"name": "VIPs", "base": "all", "filter": "tag:vip"}
    made = await ask(run, SavedView, "POST", "/v1/views", OLGA, **body)
    assert (made.name, made.base, made.filter, made.shared, made.by) == (
        "VIPs", "all", "tag:vip", False, "Olga",
    )  # fmt: skip
    again = await ask(run, SavedView, "POST", "/v1/views", OLGA, **{**body, "filter": "tag:b2b"})
    assert (again.id, again.filter) == (made.id, "tag:b2b")
    other = await ask(run, SavedView, "POST", "/v1/views", RITA, **body)  # a reader keeps some too
    assert other.id != made.id
    assert (await names(run, OLGA), await names(run, IVAN)) == (["VIPs"], [])
    await refused(run, 404, "GET", f"/v1/views/{made.id}", IVAN)
    await refused(run, 404, "DELETE", f"/v1/views/{made.id}", IVAN)
    await ask(run, SavedView, "DELETE", f"/v1/views/{made.id}", OLGA)
    assert await names(run, OLGA) == []


async def test_everybodys_are_made_and_changed_by_leads(run: Running) -> None:
    body = {"name": "late", "base": "queue", "filter": "before:2d", "shared": True}
    await refused(run, 403, "POST", "/v1/views", OLGA, **body)
    made = await ask(run, SavedView, "POST", "/v1/views", ADMIN, **body)
    assert await names(run, IVAN) == ["late"]
    await refused(run, 403, "DELETE", f"/v1/views/{made.id}", OLGA)
    listening = await run.listen(OLGA)
    await ask(run, SavedView, "DELETE", f"/v1/views/{made.id}", ADMIN)
    await listening.reached(await run.newest())
    assert listening.bodies("view.changed")[-1].data == {"view": made.id, "shared": True}
    assert await names(run, IVAN) == []


async def test_what_can_be_no_filter_is_refused(run: Running) -> None:
    for filtered, message in (
        ("form:anna", "there is no qualifier form:"),
        ("has:attachment", "has:attachment is for searching messages, not for lists of conversations"),
    ):
        error = await refused(run, 400, "POST", "/v1/views", name="x", base="all", filter=filtered)
        assert error.message == message
    await refused(run, 400, "POST", "/v1/views", name=" ", base="all", filter="x")
    await refused(run, 400, "POST", "/v1/views", name="x", base="everything", filter="x")


async def test_there_are_not_too_many(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "OWN_MAX", 2)
    for name in ("a", "b"):
        await ask(run, SavedView, "POST", "/v1/views", name=name, base="all", filter="x")
    await refused(run, 409, "POST", "/v1/views", name="c", base="all", filter="x")
    await ask(run, SavedView, "POST", "/v1/views", name="b", base="all", filter="y")
    assert await names(run, OLGA) == ["a", "b"]
