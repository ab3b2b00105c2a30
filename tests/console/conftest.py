"""English, and the shop of the fake operator API, for every test of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from omni_console import i18n
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import shop


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    i18n.use("en")
    yield
    i18n.use("en")


@pytest.fixture
def world() -> FakeServer:
    return shop()
