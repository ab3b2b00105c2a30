"""Listening, whichever way updates come: trying again, and telling operators how it stands."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping

import msgspec

from channels.base import BadCredentials, ChannelHealth, Host, HostUnavailableError, Retry, SendResult
from channels.messenger.answer import Answer, judge
from channels.messenger.api import Api
from channels.messenger.link import UnreachedError


class Waits(msgspec.Struct):
    """Seconds between attempts."""

    first: float = 1.0
    longest: float = 60.0
    refused: float = 60.0  # after a wrong token, or while somebody else listens


class Trouble(Exception):  # noqa: N818 - a state of the channel, not a mistake
    """Why nothing comes in now, and when to try again (None: soon, then ever later)."""

    def __init__(self, state: str, detail: str, after: float | None = None) -> None:
        super().__init__(detail)
        self.health = msgspec.convert({"state": state, "detail": detail}, ChannelHealth)
        self.after = after


class Listener:
    """What all ways share. Each says in `_listen` how it listens, and raises Trouble."""

    def __init__(self, api: Api, host: Host, waits: Waits) -> None:
        self._api = api
        self._host = host
        self._waits = waits
        self._pause = waits.first

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except Trouble as trouble:
                self._host.report(trouble.health)
                await asyncio.sleep(self._next_pause() if trouble.after is None else trouble.after)
            except HostUnavailableError as error:
                self._host.log.warning("updates wait for the store", reason=str(error))
                await asyncio.sleep(self._next_pause())
            except Exception as error:
                # Where it happened, and never its words: they might hold an address, and that our secret.
                name, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
                self._host.log.error("listening stumbled", error=name, where=where)
                detail = f"a fault of ours ({name}); trying again"
                self._host.report(ChannelHealth(state="retrying", detail=detail))
                await asyncio.sleep(self._next_pause())

    async def _listen(self) -> None:
        raise NotImplementedError

    def _next_pause(self) -> float:
        pause = self._pause
        self._pause = min(pause * 2, self._waits.longest)
        return pause

    def _well(self) -> None:
        self._pause = self._waits.first
        self._host.report(ChannelHealth(state="connected"))

    async def _ask(
        self, method: str, params: Mapping[str, object] | None = None, patience: float | None = None
    ) -> Answer:
        """A good answer. Raises Trouble."""
        try:
            answer = await self._api.call(method, params, patience=patience)
        except UnreachedError as error:
            raise Trouble("retrying", f"{self._api.platform} cannot be reached: {error.reason}") from None
        if not answer.good:
            raise self._refused(method, answer, judge(answer, self._api.platform, lambda result: None))
        return answer

    def _refused(self, method: str, answer: Answer, verdict: SendResult) -> Trouble:
        """What an answer that is not good means for listening."""
        if isinstance(verdict, BadCredentials):
            return Trouble("bad_credentials", verdict.reason, self._waits.refused)
        if answer.status == 409:
            detail = f"somebody else receives this bot's messages: {answer.description}"
            return Trouble("failed", detail, self._waits.refused)
        if isinstance(verdict, Retry):
            return Trouble("retrying", verdict.reason, verdict.after)
        reason = (
            answer.description or f"an answer with status {answer.status} that is not {self._api.platform}'s"
        )
        return Trouble("failed", f"{method}: {reason}", self._waits.refused)
