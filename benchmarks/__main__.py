"""`python -m benchmarks NAME [--json] [--keep DIR]`, one of NAMES; the last line is JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from pathlib import Path

from server.logs import set_up

NAMES = ("intake", "fanout", "size", "large", "mail", "identity", "cards", "queue", "console")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="print the line of JSON only")
    parser.add_argument("--keep", type=Path, help="work here and leave it; `large` uses its data sets again")
    given = parser.parse_args()
    set_up("warning", "text")
    module = importlib.import_module(f"benchmarks.{given.name}")

    def say(text: str) -> None:
        if not given.json:
            print(text, flush=True)

    if given.keep is not None:
        figures = module.measure(given.keep, say)
    else:
        with tempfile.TemporaryDirectory(prefix="omni-benchmark-") as folder:
            figures = module.measure(Path(folder), say)
    print(json.dumps(figures))


main()
