"""Structured logs: one line an event, control characters escaped, people masked, no message texts."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from typing import Literal, TextIO, cast

import structlog

from server.masking import mask

# Our own figures and places, never somebody else's words.
_OWN = frozenset({"timestamp", "level", "logger", "file", "socket", "sha256", "migration", "reserve"})


def _escape_controls(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Text from outside must not draw on the terminal or forge a line; a traceback keeps its lines."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(
                line if line.isprintable() else line.encode("unicode_escape").decode("ascii")
                for line in lines
            )
    return event


def _mask_people(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """No whole e-mail address or phone number in a log, also not inside of an exception or a list."""
    for name, value in event.items():
        if name in _OWN or value is None or isinstance(value, bool | int | float):
            continue
        text = value if isinstance(value, str) else repr(value)
        masked = mask(text)
        if masked != text:
            event[name] = masked
    return event


class _Tolerant(io.TextIOBase):
    """Standard error, whose lines are lost where it cannot be written: a full disk must not stop the work."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def set_up(level: str, form: Literal["text", "json"]) -> None:
    """Send our logs and those of the libraries to standard error."""
    number = getattr(logging, level.upper())
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    every: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_people,
        _escape_controls,
    ]
    structlog.configure(
        processors=[*every, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Tolerant())),
    )
    _set_up_libraries(max(number, logging.WARNING), every, renderer)
    # It prints whole messages, and formats them even where nobody listens.
    logging.getLogger("aioimaplib").setLevel(logging.WARNING)


def _set_up_libraries(
    number: int, every: list[structlog.typing.Processor], renderer: structlog.typing.Processor
) -> None:
    """The libraries' lines look like ours, and are masked like ours."""
    handler = logging.StreamHandler(cast(TextIO, _Tolerant()))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *every,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=number, handlers=[handler])
