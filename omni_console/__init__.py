"""The operator console and the `omni` command."""

__version__ = "0.1.0"
