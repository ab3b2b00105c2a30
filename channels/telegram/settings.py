"""What the table of a Telegram channel may hold in omni.toml, besides what every bot's may."""

from __future__ import annotations

from typing import ClassVar, Final

from channels.messenger.settings import BotSettings, Shape

API: Final = "https://api.telegram.org"


class TelegramSettings(BotSettings, kw_only=True, forbid_unknown_fields=True):
    api_base: str = API
    file_base: str = ""  # empty: api_base

    home: ClassVar[str] = API
    token_shape: ClassVar[Shape] = Shape(
        pattern=r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}",
        what="bot token",
        hint="@BotFather gives one: digits, a colon, and letters, as one line without spaces",
    )
    secret_shape: ClassVar[Shape] = Shape(
        pattern=r"[A-Za-z0-9_-]{1,256}",
        what="secret that Telegram takes",
        hint="1 to 256 of A-Z a-z 0-9 _ -, such as openssl rand -hex 32 makes",
    )

    def addresses(self) -> dict[str, str]:
        return {"api_base": self.api_base, "file_base": self.file_base}

    def bot_id(self) -> str:
        """The part of the token that is no secret."""
        return self.token.reveal().partition(":")[0]
