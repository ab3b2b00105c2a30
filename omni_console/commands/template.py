"""A new configuration: the commented example with answers filled in. Pure but for reading the example."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path


@dataclass
class Answers:
    """What the new configuration says; an empty string leaves the default."""

    site: str
    country: str
    language: str
    data_dir: str = ""
    socket: str = ""
    group: str = ""
    base_url: str = ""
    email: str = ""
    imap: str = ""
    smtp: str = ""
    email_password: str = ""  # a reference: env:NAME or file:PATH
    chat_origins: Sequence[str] = field(default_factory=tuple)


def example() -> str:
    """The commented example: part of the wheel, or next to the source."""
    packaged = resources.files("omni_console") / "data" / "config.example.toml"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "config.example.toml").read_text(encoding="utf-8")


def render(text: str, answers: Answers) -> str:
    """The example with the answers filled in and the channels added at its end."""
    for table, key, value in (
        ("server", "data_dir", answers.data_dir),
        ("server", "socket", answers.socket),
        ("server", "socket_group", answers.group),
        ("public", "base_url", answers.base_url),
        ("site", "name", answers.site),
        ("site", "language", answers.language),
        ("site", "default_country", answers.country),
    ):
        if value:
            text = fill(text, table, key, value)
    blocks = []
    if answers.email:
        blocks.append(
            "[channels.support]\n"
            'kind = "email"\n'
            'title = "Support"\n'
            f"address = {quoted(answers.email)}\n"
            f"from_name = {quoted(answers.site)}\n"
            f"password = {quoted(answers.email_password)}\n\n"
            f"[channels.support.imap]\n{server_lines(answers.imap, {143: 'starttls'})}\n"
            f"[channels.support.smtp]\n{server_lines(answers.smtp, {587: 'starttls', 25: 'starttls'})}"
        )
    if answers.chat_origins:
        origins = ", ".join(quoted(origin) for origin in answers.chat_origins)
        blocks.append(f'[channels.chat]\nkind = "webchat"\ntitle = "Site chat"\norigins = [{origins}]\n')
    return "\n".join([text, *blocks])


def server_lines(given: str, upgraded: Mapping[int, str]) -> str:
    """`HOST` or `HOST:PORT` as the lines of a server's table. Ports in `upgraded` begin without TLS; on this
    very host every port but those of TLS does without."""
    host, colon, port = given.rpartition(":")
    if not colon or not port.isdigit():
        return f"host = {quoted(given)}\n"
    tls = upgraded.get(int(port), "implicit")
    if host in ("127.0.0.1", "localhost") and int(port) not in (993, 465):
        tls = "none"
    return f"host = {quoted(host)}\nport = {port}\ntls = {quoted(tls)}\n"


def fill(text: str, table: str, key: str, value: str) -> str:
    """Set `key` of `[table]` where the example shows it; its comment on the same line stays."""
    head, found, rest = text.partition(f"\n[{table}]\n")
    end = rest.find("\n[")
    body, tail = (rest, "") if end < 0 else (rest[:end], rest[end:])
    line = re.compile(rf'^#?{key} = "[^"\n]*"', re.MULTILINE)
    if not found or not line.search(body):
        raise ValueError(f"the example shows no {key} in [{table}]")
    return head + found + line.sub(lambda _: f"{key} = {quoted(value)}", body, count=1) + tail


def quoted(value: str) -> str:
    """A basic string of TOML; JSON's escapes are among its own, but DEL must be escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
