"""Places on the map that people send. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def with_map(detail: Mapping[str, str]) -> dict[str, str]:
    """The facts of a message; a place (`lat`, `lon`: decimal degrees) with a link to a map of it."""
    facts = dict(detail)
    try:
        lat, lon = float(detail["lat"]), float(detail["lon"])
    except (KeyError, ValueError):
        return facts
    if -90 <= lat <= 90 and -180 <= lon <= 180:
        facts["map"] = (
            f"https://www.openstreetmap.org/?mlat={lat:.6f}&mlon={lon:.6f}#map=17/{lat:.6f}/{lon:.6f}"
        )
    return facts
