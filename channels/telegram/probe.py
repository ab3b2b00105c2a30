"""`omni doctor`: is the token right, and do updates come the way that is configured?"""

from __future__ import annotations

from channels.base import ProbeResult
from channels.json_input import string, table
from channels.messenger.link import UnreachedError
from channels.messenger.reading import integer
from channels.telegram.api import Api
from channels.telegram.settings import TelegramSettings


async def probe(settings: TelegramSettings, channel_id: str) -> list[ProbeResult]:
    api = Api(settings)
    try:
        await api.open()
    except OSError as error:
        return [
            ProbeResult(
                name="ca_file", ok=False, detail=f"cannot be read: {error.strerror or type(error).__name__}"
            )
        ]
    try:
        return [await _bot(api), await _way(api, settings, channel_id)]
    except UnreachedError as error:
        return [
            ProbeResult(
                name="Bot API",
                ok=False,
                detail=f"not reached: {error.reason}",
                hint="check api_base, proxy and ca_file; where Telegram is blocked, a proxy is needed",
            )
        ]
    finally:
        await api.close()


async def _bot(api: Api) -> ProbeResult:
    answer = await api.call("getMe")
    if answer.ok:
        name = string(table(answer.result()).get("username"), 64)
        return ProbeResult(name="getMe", ok=True, detail=f"@{name}")
    return ProbeResult(
        name="getMe",
        ok=False,
        detail=f"{answer.status} {answer.description}".strip(),
        hint="is the token right? @BotFather shows it, and makes a new one",
    )


async def _way(api: Api, settings: TelegramSettings, channel_id: str) -> ProbeResult:
    answer = await api.call("getWebhookInfo")
    found = table(answer.result()) if answer.ok else {}
    url = string(found.get("url"), 2000)
    waiting = f"{integer(found.get('pending_update_count')) or 0} updates wait"
    if not answer.ok:
        return ProbeResult(
            name="getWebhookInfo", ok=False, detail=f"{answer.status} {answer.description}".strip()
        )
    if settings.mode == "polling":
        detail = f"polling; {waiting}"
        if url:
            detail += "; a webhook is set: the server removes it when it starts"
        return ProbeResult(name="updates", ok=True, detail=detail)
    if not url.endswith(f"/hooks/{channel_id}"):
        return ProbeResult(
            name="updates",
            ok=False,
            detail="no webhook of ours is set",
            hint="omni serve sets it when it starts: does it run, and is public.base_url an https address?",
        )
    told = api.told(string(found.get("last_error_message"), 300))
    return ProbeResult(
        name="updates",
        ok=not (told and integer(found.get("pending_update_count"))),
        detail=f"webhook; {waiting}" + (f"; Telegram's last error: {told}" if told else ""),
        hint="is public.base_url reachable from the internet, on port 443, 80, 88 or 8443?" if told else "",
    )
