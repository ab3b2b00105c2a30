"""Requests of ours go where they were meant to: not into our own network by a name that leads there."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from channels import dialling
from channels.base import ChannelError, Outbound, Retry, Sent
from channels.messenger.link import Link, UnreachedError
from channels.messenger.settings import MessengerSettings, check_common
from channels.secret import Secret
from channels.testkit import MemoryHost
from channels.webhook import WebhookChannel
from channels.webhook.channel import WebhookSettings
from tests.fakes.names import Names

KEY = Secret("whsec_" + base64.b64encode(bytes(32)).decode())


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "ff02::1", "255.255.255.255", "nonsense", ""),
    ],
)
def test_what_is_not_on_the_internet_is_not_dialled(address: str) -> None:
    assert not dialling.may_dial(address, ())


def test_what_is_on_the_internet_or_allowed_is() -> None:
    for address in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"):
        assert dialling.may_dial(address, ())
    allowed = dialling.networks(["10.1.0.0/16", "::1"])
    assert dialling.may_dial("10.1.2.3", allowed)
    assert dialling.may_dial("::ffff:10.1.2.3", allowed)
    assert not dialling.may_dial("10.2.0.1", allowed)
    assert dialling.named_by("http://127.0.0.1:8081/x") == dialling.networks(["127.0.0.1"])
    assert dialling.named_by("https://api.example") == dialling.named_by("") == ()


@pytest.fixture
async def inner(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[int, list[str]]]:
    """A server of our own network: its port, and what it was asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", lambda **_: Names())
    monkeypatch.setattr("channels.webhook.deliver.check_url", lambda text: None)  # http will do here
    yield runner.addresses[0][1], asked
    await runner.cleanup()


def outbound() -> Outbound:
    return Outbound(
        key="k-1",
        message_id=1,
        conversation_id=1,
        to="anna",
        to_name=None,
        thread="anna",
        text="hello",
        subject=None,
        author="Olga",
        files=(),
        references=(),
        written_at=0,
    )


async def test_a_webhook_s_name_that_leads_inside_reaches_nothing(inner: tuple[int, list[str]]) -> None:
    port, asked = inner
    url = f"http://crm.example:{port}/replies"
    for allowed, expected in (((), Retry), (("127.0.0.0/8",), Sent)):
        settings = WebhookSettings(kind="webhook", secrets=[KEY], deliver_url=url, deliver_networks=allowed)
        channel = WebhookChannel("hook", settings)
        await channel.start(MemoryHost("hook"))
        result = await channel.send(outbound())
        [probed] = await channel.probe()
        await channel.stop()
        assert isinstance(result, expected), result
        assert probed.ok == bool(allowed)
        if not allowed:
            assert asked == []
            assert "not on the internet" in probed.detail
    assert asked


async def test_a_messenger_s_name_that_leads_inside_reaches_nothing(inner: tuple[int, list[str]]) -> None:
    port, asked = inner
    for networks in ((), ("127.0.0.1",)):
        link = Link(MessengerSettings(kind="chatter", networks=networks), "secret", "agent")
        await link.open()
        if networks:
            assert (await link.post(f"http://api.example:{port}/x")).status == 200
        else:
            with pytest.raises(UnreachedError):
                await link.post(f"http://api.example:{port}/x")
            with pytest.raises(UnreachedError):
                await link.download(f"http://127.0.0.1:{port}/file", 100)
            assert asked == []
        await link.close()


def test_networks_that_are_none_are_refused() -> None:
    with pytest.raises(ChannelError) as refused:
        WebhookChannel("hook", WebhookSettings(kind="webhook", secrets=[KEY], deliver_networks=("inside",)))
    assert refused.value.key == "deliver_networks"
    with pytest.raises(ChannelError):
        check_common(MessengerSettings(kind="chatter", networks=("10.0.0.1/8",)))
