"""A database in memory on the thread of the test, through the server's own transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from server.store.database import run_batch
from server.store.transaction import Transaction

T = TypeVar("T")


class OneThread:
    connection: sqlite3.Connection
    now: int

    def write(self, fn: Callable[[Transaction], T]) -> T:
        [outcome] = run_batch(self.connection, [fn], self.now)
        if outcome.error is not None:
            raise outcome.error
        result: T = outcome.result
        return result

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        return self.connection.execute(sql, parameters).fetchall()
