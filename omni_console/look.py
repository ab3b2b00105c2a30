"""The console's colours: one accent, one colour for private notes, one for what went wrong."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

DARK, LIGHT, PALETTE = "omni", "omni-light", "omni-ansi"

# Greys of little saturation: terminals with 256 colours keep them apart.
OMNI = Theme(
    name=DARK,
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

# The same order of brightness on paper: what is bright there is dark here.
OMNI_LIGHT = Theme(
    name=LIGHT,
    primary="#0f6f5f",
    secondary="#0f6f5f",
    accent="#0f6f5f",
    warning="#8a5a00",
    error="#b3261e",
    success="#0f6f5f",
    foreground="#1f2328",
    background="#fbfbf9",
    surface="#efeeea",
    panel="#f3f2ee",
    dark=False,
    variables={"surface-lighten-1": "#dcdad4", "note-background": "#fbf1dc"},
)

# The terminal's own sixteen colours on its own ground, whatever they are: nothing is blended. What is dim
# instead of pale is in styles/omni.tcss, at ":ansi".
OMNI_PALETTE = Theme(
    name=PALETTE,
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,  # Textual's own styles name them
        "surface-lighten-1": "ansi_default",
        "note-background": "ansi_default",
    },
)

THEMES = {"dark": DARK, "light": LIGHT, "ansi": PALETTE}  # as one writes them, in the order of the action
