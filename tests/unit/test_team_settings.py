"""`[teams]` and `[queue]` of omni.toml: what is wrong is told with its place, before the server starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console.commands.service_checks import channels
from server.config import decode
from server.cut_off import Owner
from server.offers import owner_of
from server.queue.team_settings import make_teams
from server.routing import Capacity
from server.settings import Config
from server.tables import ConfigError

CHANNEL = """
[channels.mail]
kind = "webhook"
owner = "olga"
secrets = ["env:OMNI_TEST"]
"""


def read(text: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("OMNI_TEST", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    return decode((CHANNEL + text).encode(), Path("/etc/omni/omni.toml"))


TEAMS = """
[queue]
away_seconds = 90
[queue.topics]
refunds = ["refund"]

[teams.support]
channels = ["mail"]
capacity = { messenger = 5, urgent_extra = 1 }
members.olga = { skills = ["refunds"], languages = ["ru"] }
members.ivan = { capacity = { messenger = 2, total = 3 } }

[teams.office]
members.ivan = { skills = ["tax"], capacity = { messenger = 4, total = 2 } }
assignment = "claim"
"""


def test_what_members_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(TEAMS, monkeypatch)
    teams = make_teams(config.teams)
    assert teams.members["olga"].capacity == Capacity(messenger=5, urgent_extra=1)
    # Of several teams the skills of all, and the least room.
    ivan = teams.members["ivan"]
    assert (set(ivan.teams), set(ivan.skills)) == ({"support", "office"}, {"tax"})
    assert (ivan.capacity.messenger, ivan.capacity.total, ivan.capacity.urgent_extra) == (2, 2, 0)
    assert (teams.served["mail"].team, teams.served["mail"].by_rules) == ("support", True)
    assert config.queue.away_seconds == 90
    assert teams.skills == {"refunds", "tax"}


def test_a_site_without_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not make_teams(read("", monkeypatch).teams)


@pytest.mark.parametrize(
    ("wrong", "key", "says"),
    [
        ('[teams.a]\nchannels = ["post"]\nmembers.olga = {}', "teams.a.channels[0]", "no channel 'post'"),
        ('[teams.a]\nchannels = ["mail"]', "teams.a.members", "nobody is in it"),
        ("[teams.A]\nmembers.olga = {}", "teams.A", "not a team's name"),
        ('[teams.a]\nmembers."Olga!" = {}', "teams.a.members", "no login"),
        ("[teams.a]\nmembers.ivan = {}", "teams", "neither a team nor in one"),
        (
            '[teams.a]\nchannels = ["mail"]\nmembers.olga = {}\n'
            '[teams.b]\nchannels = ["mail"]\nmembers.olga = {}',
            "teams.b.channels[0]",
            "served by team 'a' already",
        ),
        (
            '[teams.a]\nchannels = ["mail"]\ncapacity = { messenger = 0 }\nmembers.olga = {}',
            "teams.a.capacity.messenger",
            "no member has room",
        ),
        ("[teams.a]\nmember = 1", "teams.a.member", "unknown key"),
        ("[queue]\naway_seconds = 0", "queue.away_seconds", ""),
    ],
)
def test_what_is_wrong_is_told(wrong: str, key: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError) as refused:
        read(wrong, monkeypatch)
    assert refused.value.key == key
    assert says in str(refused.value)


def test_a_team_may_answer_for_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_TEST", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    text = CHANNEL.replace('"olga"', '"night"') + "[teams.night]\nmembers.ivan = {}\nmembers.rita = {}"
    config = decode(text.encode(), Path("/etc/omni/omni.toml"))
    owners = [one.channels["mail"].owner for one in (config, read("", monkeypatch))]
    assert owner_of(config, owners[0]) == Owner("night", frozenset({"ivan", "rita"}))
    assert owner_of(config, owners[1]) == Owner("olga", frozenset({"olga"}))


def test_doctor_names_channels_for_which_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    owned = read("", monkeypatch)
    assert [one.name for one in channels(owned)[1]] == []
    orphan = CHANNEL.replace('owner = "olga"', "") + CHANNEL.replace("mail", "off") + "enabled = false"
    [lost] = [
        one
        for one in channels(decode(orphan.encode(), Path("/etc/omni/omni.toml")))[1]
        if one.name == "owners"
    ]
    assert (lost.state, lost.detail) == ("warning", "nobody answers for mail")
