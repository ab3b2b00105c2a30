"""The console's colours: one accent, one colour for private notes, one for what went wrong."""

from __future__ import annotations

from textual.theme import Theme

OMNI = Theme(
    name="omni",
    primary="#6fc3b2",
    secondary="#6fc3b2",
    accent="#6fc3b2",
    warning="#d9b36c",
    error="#e0776b",
    success="#6fc3b2",
    foreground="#d5d9de",
    background="#14171b",
    surface="#1c2127",
    panel="#1f252c",
    dark=True,
    variables={"surface-lighten-1": "#2b323b", "note-background": "#231f16"},
)
