"""The console's colours: one accent, one colour for private notes, one for what went wrong."""

from __future__ import annotations

from textual.theme import Theme

# Greys of little saturation: terminals with 256 colours keep them apart.
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
    surface="#1e2226",
    panel="#212529",
    dark=True,
    variables={"surface-lighten-1": "#2f343a", "note-background": "#27231c"},
)
