"""Which version of the product this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def product_version() -> str:
    try:
        return version("omni-console")
    except PackageNotFoundError:
        return "checkout"
