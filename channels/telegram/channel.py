"""The Telegram channel: what a messenger's channel needs to know of Telegram."""

from __future__ import annotations

from channels.base import Capabilities, ChannelSpec
from channels.messenger.channel import MessengerChannel
from channels.telegram.calls import MYSELF, OUTGOING, POLLING, WEBHOOK, BotApi
from channels.telegram.settings import TelegramSettings
from channels.telegram.updates import UPDATES


class TelegramChannel(MessengerChannel):
    spec = ChannelSpec(
        kind="telegram",
        title="Telegram",
        mark="t",
        scheme="telegram",
        shared_scheme=False,
        settings=TelegramSettings,
        capabilities=Capabilities(
            text_max=4096,  # after entities; counted here in UTF-16, the strictest reading
            text_unit="utf16",
            files_max=10,  # of one sendMediaGroup
            file_bytes_max=50_000_000,
            continue_links=True,
            pace_per_s=30.0,
            send_timeout_s=600.0,
        ),
        takes_hooks=True,
    )
    api = BotApi
    updates = UPDATES
    outgoing = OUTGOING
    polling = POLLING
    webhook = WEBHOOK
    myself = MYSELF
    secret_header = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
    start_link = "https://t.me/{name}?start={token}"
    made_up_token = "0:{}"  # noqa: S105 - the shape of one
    download_max = 20 * 1024 * 1024
    per_chat_s = 1.0
