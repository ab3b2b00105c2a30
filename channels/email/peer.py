"""What IMAP and SMTP share about the other side: whether it is who it says, and its words as text."""

from __future__ import annotations

import contextlib
import re
import ssl


class CaFileError(Exception):
    """The file with the certificate authorities cannot be used."""


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Verifies the peer's certificate and name. Raises CaFileError."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise CaFileError(f"cannot read ca_file {ca_file}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def one_line(text: bytes | str) -> str:
    """A server's words for a log line or a status: one line, no controls, at most 300 characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    with contextlib.suppress(UnicodeError):
        text = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+", " ", text).strip()[:300]
