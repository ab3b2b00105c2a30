"""Words that the server sends in English and operators read all day; the catalogue has them.

What is not here is shown as it came.
"""

from __future__ import annotations

from omni_console.i18n import N_, _

KNOWN = frozenset(
    {
        N_("wrote last here"),
        N_("wrote here before"),
        N_("verified address"),
        N_("writes from it"),
        N_("typed by the visitor"),
        N_("given"),
        N_("given by the site, not verified"),
        N_("stated as verified by the webhook"),
        N_("site chat"),
        N_("e-mail"),
    }
)


def said_by_server(words: str) -> str:
    """`words` in the operator's language where they are known."""
    return _(words) if words in KNOWN else words
