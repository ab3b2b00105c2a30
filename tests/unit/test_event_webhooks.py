"""Outgoing webhooks: which events are asked for, what is told of them, what an answer means. Pure."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from channels import dialling
from channels.secret import Secret
from server.config import decode
from server.operators import PRIVATE_KINDS
from server.protocol import Conversation
from server.store.transaction import Event
from server.tables import ConfigError
from server.webhooks import kinds
from server.webhooks.body import Body, Gap, event_id, gap_id, of_event
from server.webhooks.link import judge
from server.webhooks.settings import EventWebhookSettings
from server.webhooks.webhook import read_webhooks
from tests.fakes.event_receiver import SECRET

SERVER = Path(__file__).parents[2] / "server"
KIND = re.compile(
    r"(conversation|message|note|contact|customer|mention|draft|share|identity|record|channel|operator|template"
    r"|view|journal|log)\.[a-z_]+"
)
NOW = 1_795_262_400_000


def written() -> set[str]:
    """Every kind of event that the server's code names, outside of the list that is tested."""
    return {
        node.value
        for path in SERVER.rglob("*.py")
        if path.name != "kinds.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value)
    }


def test_every_kind_of_event_can_be_asked_for_or_is_one_operators_own() -> None:
    assert not kinds.KINDS & PRIVATE_KINDS
    by_verdict = {"identity.accepted", "identity.refused"}  # the code puts these two together
    assert written() | by_verdict | {"server.restored"} == kinds.KINDS | PRIVATE_KINDS


@pytest.mark.parametrize(
    ("patterns", "kind", "told"),
    [
        (("message.*",), "message.received", True),
        (("message.*",), "message", False),
        (("message.received",), "message.received", True),
        (("message.received",), "message.received2", False),
        (("message.*",), "note.added", False),
        (("*",), "channel.state", True),
        (("*",), "draft.saved", False),
        (("conversation.*",), "conversation.seen", False),
        (("record.changed",), "server.restored", True),
        (kinds.DEFAULT, "customer.erased", True),
        (kinds.DEFAULT, "operator.changed", False),
    ],
)
def test_what_is_asked_for(patterns: tuple[str, ...], kind: str, told: bool) -> None:
    assert kinds.wanted(patterns, kind) is told


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        decode(text.encode(), Path("/etc/omni/omni.toml"))
    return caught.value


@pytest.mark.parametrize(
    ("table", "key", "hint"),
    [
        ('url = "http://crm.example/x"', "url", "https://"),
        ('url = "https://u:p@crm.example"', "url", ""),
        ('url = "ftp://crm.example"', "url", ""),
        ('url = "https://[::1]/x"', "name", "small Latin letters"),
        ('url = "https://crm.example"\nname = "Our CRM"', "name", "small Latin letters"),
        ('url = "https://crm.example"\nevents = []', "events", "conversation.*"),
        (
            'url = "https://crm.example"\nevents = ["message.*", "customer.chaged"]',
            "events[1]",
            "customer.changed",
        ),
        ('url = "https://crm.example"\nevents = ["mesage.*"]', "events[0]", "message.*"),
        ('url = "https://crm.example"\nevents = ["draft.saved"]', "events[0]", ""),
        ('url = "https://crm.example"\nnetworks = ["10.0.0.0/99"]', "networks", "10.1.0.0/16"),
        ('url = "https://crm.example"\ntimeout_seconds = 0', "timeout_seconds", ""),
        ('url = "https://crm.example"\ntimeout_seconds = nan', "timeout_seconds", ""),
        ('url = "https://crm.example"\nevent = "message.*"', "event", "'events'"),
        (
            'url = "https://crm.example"\nprevious_secret = "env:OMNI_TEST_SHORT"',
            "previous_secret",
            "openssl",
        ),
    ],
)
def test_a_table_that_cannot_be_kept_is_refused(
    table: str, key: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_TEST_SECRET", SECRET)
    monkeypatch.setenv("OMNI_TEST_SHORT", "whsec_c2hvcnQ=")
    error = refused(f'[[webhooks]]\nsecret = "env:OMNI_TEST_SECRET"\n{table}\n')
    assert error.key == f"webhooks[0].{key}"
    assert hint in error.hint


def test_other_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_TEST_SECRET", SECRET)
    one = '[[webhooks]]\nurl = "https://crm.example/a"\nsecret = "env:OMNI_TEST_SECRET"\n'
    assert refused(one.replace("env:OMNI_TEST_SECRET", SECRET)).key == "webhooks[0].secret"
    assert refused('[[webhooks]]\nurl = "https://crm.example/a"').key == "webhooks[0].secret"
    assert refused(one + one).key == "webhooks[1].name"
    assert refused("[webhooks]").hint == "write [[webhooks]]"
    team = '[channels.forms]\nkind = "webhook"\n[teams.shop]\nchannels = ["forms"]\nmembers = { olga = {} }\n'
    assert refused(team + one + 'owner = "ivan"').key == "webhooks[0].owner"
    assert (
        decode((team + one + 'owner = "olga"').encode(), Path("/etc/omni/omni.toml")).webhooks[0].owner
        == "olga"
    )


def test_what_is_read() -> None:
    previous = Secret("whsec_" + "bzJv" * 10)
    made = EventWebhookSettings(
        url="http://localhost:8080/hooks/very-secret?key=1",
        secret=Secret(SECRET),
        previous_secret=previous,
        networks=("10.1.0.0/16",),
    )
    [webhook] = read_webhooks([made])
    assert (webhook.name, webhook.receiver) == ("localhost", "http://localhost:8080")
    assert len(webhook.keys) == 2
    assert dialling.may_dial("127.0.0.1", webhook.allowed) and dialling.may_dial("10.1.2.3", webhook.allowed)
    assert not dialling.may_dial("10.2.2.3", webhook.allowed)


def test_a_body_holds_ids_and_facts_and_nothing_that_anybody_wrote() -> None:
    canary = "kanarejka"
    conversation = Conversation(
        id=7,
        seq=1234,
        customer_id=3,
        customer=canary,
        state="open",
        assignee_id=2,
        assignee="Olga",
        channel_id="mail",
        subject=canary,
        preview=canary,
        topic="delivery",
        summary=canary,
        next_step=canary,
        priority_why=f"urgent word: {canary}",
        tags=["vip"],
        opened_at=NOW,
    )
    event = Event(
        seq=1234,
        at=NOW,
        kind="conversation.state",
        conversation_id=7,
        customer_id=3,
        operator_id=2,
        data={"from": "waiting", "to": "open"},
    )
    told: dict[str, Any] = json.loads(of_event(event, conversation, "0badcafe").encoded())
    assert told == {
        "id": "evt_0badcafe_1234",
        "type": "conversation.state",
        "at": NOW,
        "data": {
            "seq": 1234,
            "conversation_id": 7,
            "customer_id": 3,
            "message_id": None,
            "operator_id": 2,
            "detail": {"from": "waiting", "to": "open"},
            "conversation": {
                "id": 7,
                "seq": 1234,
                "customer_id": 3,
                "state": "open",
                "assignee_id": 2,
                "assignee": "Olga",
                "team": "",
                "channel_id": "mail",
                "topic": "delivery",
                "tags": ["vip"],
                "priority": "normal",
                "spam": False,
                "opened_at": NOW,
                "closed_at": None,
            },
        },
    }
    gone = json.loads(of_event(event, None, "0badcafe").encoded())
    assert gone["data"]["conversation"] is None


def test_ids_are_those_of_the_specification() -> None:
    for made in (event_id("0badcafe", 2**62), gap_id("0badcafe", 0)):
        assert "." not in made and len(made) < 64
    assert event_id("a", 1) != event_id("b", 1)
    told = json.loads(Body(id="gap_a_3", type="gap", at=1, data=Gap(after=3, before=9)).encoded())
    assert told == {"id": "gap_a_3", "type": "gap", "at": 1, "data": {"after": 3, "before": 9}}


@pytest.mark.parametrize("status", [200, 201, 204])
def test_only_a_2xx_is_a_yes(status: int) -> None:
    assert judge(status, None, NOW).problem == ""


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 408, 410, 413, 425, 429, 500, 503])
def test_everything_else_is_tried_again(status: int) -> None:
    answer = judge(status, "30", NOW)
    assert str(status) in answer.problem
    assert answer.wait_s == 30
