"""`omni doctor`: is the token right, and do updates come the way that is configured?"""

from __future__ import annotations

import msgspec

from channels.base import ProbeResult
from channels.messenger.api import Api
from channels.messenger.link import UnreachedError
from channels.messenger.paths import text_at
from channels.messenger.settings import BotSettings
from channels.messenger.webhook import Webhook, standing

USERNAME_MAX = 64


class Myself(msgspec.Struct, frozen=True, kw_only=True):
    """What says who the bot is, and where in its answer the name stands. `hint`: where its token is from."""

    method: str
    username: str
    hint: str


async def probe(
    myself: Myself, webhook: Webhook, api: Api, settings: BotSettings, channel_id: str
) -> list[ProbeResult]:
    try:
        await api.open()
    except OSError as error:
        why = error.strerror or type(error).__name__
        return [ProbeResult(name="ca_file", ok=False, detail=f"cannot be read: {why}")]
    try:
        return [await _bot(myself, api), await _way(webhook, api, settings, channel_id)]
    except UnreachedError as error:
        hint = f"check api_base, proxy and ca_file; where {api.platform} is blocked, a proxy is needed"
        return [ProbeResult(name=api.platform, ok=False, detail=f"not reached: {error.reason}", hint=hint)]
    finally:
        await api.close()


async def _bot(myself: Myself, api: Api) -> ProbeResult:
    answer = await api.call(myself.method)
    if answer.ok:
        name = text_at(answer.result(), myself.username, USERNAME_MAX)
        return ProbeResult(name=myself.method, ok=True, detail=f"@{name}")
    told = f"{answer.status} {answer.description}".strip()
    return ProbeResult(name=myself.method, ok=False, detail=told, hint=f"is the token right? {myself.hint}")


async def _way(way: Webhook, api: Api, settings: BotSettings, channel_id: str) -> ProbeResult:
    answer = await api.call(way.look)
    if not answer.ok:
        told = f"{answer.status} {answer.description}".strip()
        return ProbeResult(name=way.look, ok=False, detail=told)
    found = standing(way, api, answer.result())
    waiting = f"{found.waiting} updates wait"
    if settings.mode == "polling":
        removed = "; a webhook is set: the server removes it when it starts" if found.url else ""
        return ProbeResult(name="updates", ok=True, detail=f"polling; {waiting}{removed}")
    if not found.url.endswith(f"/hooks/{channel_id}"):
        return ProbeResult(
            name="updates",
            ok=False,
            detail="no webhook of ours is set",
            hint="omni serve sets it when it starts: does it run, and is public.base_url an https address?",
        )
    if not found.problem:
        return ProbeResult(name="updates", ok=True, detail=f"webhook; {waiting}")
    return ProbeResult(
        name="updates",
        ok=not found.waiting,
        detail=f"webhook; {waiting}; {api.platform}'s last error: {found.problem}",
        hint=f"is public.base_url reachable from the internet, {way.needs}?",
    )
