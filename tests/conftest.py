"""What holds for all tests."""

from __future__ import annotations

import gc

import pytest

TESTS_A_SWEEP = 25
gc.set_threshold(10_000, 10, 20)  # a console that starts makes a hundred thousand things that stay
_tests = 0


def pytest_collection_finish(session: pytest.Session) -> None:
    """Five thousand collected tests stay as long as the process: nothing looks them through again."""
    _sweep()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    global _tests
    _tests += 1
    if _tests % TESTS_A_SWEEP == 0:
        _sweep()


def _sweep() -> None:
    """What is garbage goes; what is left is kept by somebody, and would only make each collection longer."""
    gc.collect()
    gc.freeze()
