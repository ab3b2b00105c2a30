"""Coverage-guided fuzzing of the mail parser: `python -m tests.fuzz.mail_parser SECONDS`.

Begins with the corpus of mails. What breaks an invariant, takes 20 seconds or 2 GB ends the run and is
written to tests/corpus/mail_found/; a unit test reads those files for ever after. `make proof` runs it for
five minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["channels.email", "email"], enable_loader_override=False):
    from tests.fuzz.mail_invariants import broken

FOLDER = Path(__file__).parents[1] / "corpus"
FOUND = FOLDER / "mail_found"


def one_input(data: bytes) -> None:
    words = broken(data)
    if words:
        raise AssertionError(words)


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as grown:
        options = [
            sys.argv[0],
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=20000",
            f"-artifact_prefix={FOUND}/",
            "-print_final_stats=1",
            grown,
            str(FOLDER / "mail"),
            str(FOUND),
        ]
        atheris.Setup(options, one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
