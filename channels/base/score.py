"""What a customer gave as a score: a record of the kind "score". Pure.

`title` says which one, `amount` is the value, `details` hold `scale` (the highest value), `comment`,
`conversation` (our number) and `source` (who asked). Its number is the id by which it is counted once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SCORE = "score"  # the kind of record
# The highest value of the known ones; "own" says its own.
SCALES: Mapping[str, int] = {"csat": 5, "nps": 10, "ces": 7}
LOWEST: Mapping[str, int] = {"csat": 1, "nps": 0, "ces": 1, "own": 0}
_VALUE = re.compile(r"\d{1,6}(\.\d{1,2})?")


def score_problem(title: str, amount: str, details: Mapping[str, str]) -> str:
    """What is wrong with such a record; "": nothing."""
    if title not in LOWEST:
        return "a score's title is csat, nps, ces or own"
    given = details.get("scale", "")
    if title in SCALES:
        highest = float(SCALES[title])
        if given not in ("", str(SCALES[title])):
            return f"the scale of {title} ends at {SCALES[title]}"
    else:
        if not _VALUE.fullmatch(given) or not float(given):
            return "a score of your own needs its highest value in details.scale"
        highest = float(given)
    if not _VALUE.fullmatch(amount) or not LOWEST[title] <= float(amount) <= highest:
        return f"a score's amount is a number from {LOWEST[title]} to {highest:g}"
    conversation = details.get("conversation", "")
    if conversation and not re.fullmatch(r"[0-9]{1,18}", conversation):
        return "details.conversation is not the number of a conversation"
    return ""
