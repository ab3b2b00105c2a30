"""Every visible string goes through `_`; catalogues are in locale/.

`N_` marks a string that is translated later, when it is painted (labels in tables).
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "omni"
LOCALE_DIR = Path(__file__).parent / "locale"

_current: gettext.NullTranslations = gettext.NullTranslations()


def use(language: str | None = None) -> None:
    """Speak `language` ("ru", "en"); None asks LANGUAGE, LC_ALL, LC_MESSAGES and LANG, in this order."""
    global _current
    languages = None if language is None else [language]
    _current = gettext.translation(DOMAIN, LOCALE_DIR, languages=languages, fallback=True)


def _(message: str) -> str:
    return _current.gettext(message) if message else ""  # gettext answers "" with its header


def is_english() -> bool:
    """Is nothing translated, because English is spoken?"""
    return type(_current) is gettext.NullTranslations


def ngettext(one: str, many: str, count: int) -> str:
    return _current.ngettext(one, many, count)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name, which extractors know
    return message
