"""What our own mail server found out about the sender (Authentication-Results, RFC 8601).

Anybody can write such a header; only the topmost one that bears the name of a server we trust counts.
Nothing is checked here: that is the receiving mail server's work.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Any

from channels.email import headers
from channels.email.addresses import ascii_domain, split_address

_RESULT = re.compile(r"^\s*(dkim|spf|dmarc|arc)\s*=\s*([a-z]+)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"\b(?:header\.(?:d|i|from)|smtp\.(?:mailfrom|helo))\s*=\s*\"?@?(?:[^\s;@\"]*@)?([^\s;\"]+)",
    re.IGNORECASE,
)
RESULTS_MAX = 12


def authentication(message: Message[Any, Any], sender: str, trusted: frozenset[str]) -> str:
    """`pass: dmarc=pass (shop.example), spf=pass`, `fail: …`, `none: …`; "" without a trusted header."""
    for value in headers.raw_values(message, "authentication-results"):
        name, _, rest = _without_comments(value).partition(";")
        if (name.split() or [""])[0].lower() not in trusted:
            continue
        return _verdict(_results(rest), split_address(sender)[1])
    return ""


def _without_comments(value: str) -> str:
    # Nested comments do not occur; an unclosed one ends the header.
    return re.sub(r"\([^()]*\)?", " ", value)


def _results(text: str) -> list[tuple[str, str, str]]:
    """(method, result, domain) in order."""
    found = []
    for part in text.split(";")[:RESULTS_MAX]:
        match = _RESULT.match(part)
        if match is not None:
            domain = _DOMAIN.search(part)
            found.append((match[1].lower(), match[2].lower(), ascii_domain(domain[1]) if domain else ""))
    return found


def _verdict(results: list[tuple[str, str, str]], domain: str) -> str:
    words = ", ".join(
        f"{method}={result}" + (f" ({of})" if of else "") for method, result, of in results if method != "arc"
    )
    dmarc = [result for method, result, _ in results if method == "dmarc"]
    aligned = any(
        result == "pass" and method in ("dkim", "spf") and _aligned(of, domain)
        for method, result, of in results
    )
    failed = any(result in ("fail", "softfail") for method, result, _ in results if method in ("dkim", "spf"))
    if "fail" in dmarc:
        state = "fail"
    elif "pass" in dmarc or aligned:
        state = "pass"
    elif failed:
        state = "fail"
    else:
        state = "none"
    return f"{state}: {words}" if words else "none: nothing was checked"


def _aligned(found: str, domain: str) -> bool:
    """Relaxed alignment without a list of public suffixes: the same domain, or one below the other."""
    return "." in found and (found == domain or domain.endswith(f".{found}") or found.endswith(f".{domain}"))
