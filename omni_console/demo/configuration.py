"""The omni.toml of a demo, and the secrets it refers to. Every demo makes its own."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import msgspec

SHOP_ORIGIN = "http://shop.example"
SUPPORT = "support@shop.example"


class Secrets(msgspec.Struct, frozen=True):
    """Values for the environment of the server; nothing is written to a file."""

    identity: str
    webhook: str
    mail: str

    def environment(self) -> dict[str, str]:
        return {
            "OMNI_DEMO_IDENTITY": self.identity,
            "OMNI_DEMO_WEBHOOK": self.webhook,
            "OMNI_DEMO_MAIL": self.mail,
        }


def make_secrets() -> Secrets:
    return Secrets(
        identity=secrets.token_urlsafe(48),
        webhook="whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        mail=secrets.token_urlsafe(24),
    )


def _teams(lead: str, language: str) -> str:
    """Two teams that take their work by hand: the demo's user leads both."""
    support, sales = ("Поддержка", "Продажи") if language == "ru" else ("Support", "Sales")
    return f"""
[teams.support]
title = "{support}"
channels = ["site", "mail"]
assignment = "claim"
members = {{ "{lead}" = {{}}, boris = {{}}, mira = {{}} }}

[teams.sales]
title = "{sales}"
channels = ["market"]
assignment = "claim"
members = {{ "{lead}" = {{}}, mira = {{}} }}
"""


def write(
    folder: Path,
    *,
    language: str,
    imap_port: int,
    smtp_port: int,
    receiver_url: str,
    public_port: int = 0,
    hold: bool = False,
    lead: str = "you",
    colleagues: bool = False,
) -> Path:
    """Write omni.toml for three channels on loopback; its path. `lead`: the login of who tries it."""
    teams = _teams(lead, language) if colleagues else ""
    sending = "" if hold else "[sending]\nhold_letters_seconds = 0\nhold_chats_seconds = 0\n"
    path = folder / "omni.toml"
    path.write_text(
        f"""\
# Made by `omni demo`. Everything here lives on this machine only.
[server]
data_dir = "data"
socket = "run/omni.sock"

[public]
listen = "127.0.0.1:{public_port}"

# The customers of the demo all come from one address and are in a hurry.
[public.limits]
requests_per_second = 2000
request_burst = 4000
hooks_per_second = 2000
hook_burst = 4000

[site]
name = "{"Лавка" if language == "ru" else "The Shop"}"
language = "{language}"
reopen_days = 0 # so that what was closed a minute ago stands in the history as what it was

{sending}
[channels.site]
kind = "webchat"
title = "{"чат на сайте" if language == "ru" else "site chat"}"
origins = ["{SHOP_ORIGIN}"]
identity_secret = "env:OMNI_DEMO_IDENTITY"
owner = "{lead}"
hours = "Mon-Sun 00:00-24:00"

[channels.mail]
kind = "email"
title = "{"почта" if language == "ru" else "e-mail"}"
address = "{SUPPORT}"
username = "support"
password = "env:OMNI_DEMO_MAIL"
poll_seconds = 2
first_contact = "days:1"
owner = "{lead}"
hours = "Mon-Sun 00:00-24:00"

[channels.mail.imap]
host = "127.0.0.1"
port = {imap_port}
tls = "none"

[channels.mail.smtp]
host = "127.0.0.1"
port = {smtp_port}
tls = "none"

[channels.market]
kind = "webhook"
title = "{"маркетплейс" if language == "ru" else "marketplace"}"
secrets = ["env:OMNI_DEMO_WEBHOOK"]
deliver_url = "{receiver_url}"
owner = "{lead}"
hours = "Mon-Sun 00:00-24:00"

[[deadlines]]
priority = "urgent"
first_reply = "2m"
next_reply = "2m"
resolution = "30m"

[[deadlines]]
first_reply = "5m"
next_reply = "10m"
resolution = "1h"
{teams}""",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path
