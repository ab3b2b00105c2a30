"""Coverage-guided fuzzing of the mail parser: `python -m tests.fuzz.mail_parser SECONDS`.

Begins with the corpus of mails. Whatever breaks an invariant is written to tests/corpus/mail_found/ and makes
the run fail; a unit test reads those files for ever after. `make proof` runs it for five minutes.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["channels.email", "email"], enable_loader_override=False):
    from tests.fuzz.mail_invariants import broken

FOLDER = Path(__file__).parents[1] / "corpus"
FOUND = FOLDER / "mail_found"


def one_input(data: bytes) -> None:
    try:
        words = broken(data)
    except Exception as error:
        words = repr(error)
    if words:
        name = hashlib.sha256(data).hexdigest()[:16]
        (FOUND / f"{name}.eml").write_bytes(data)
        raise AssertionError(f"{words}: kept as {name}.eml")


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
