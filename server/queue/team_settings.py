"""`[teams]` and `[queue]` of omni.toml: who serves which channels, what they can do, and how much at once.

Pure: what is wrong is a SettingError that says where. `Teams` is what the rest of the server asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from channels.base import Medium
from server.people.card_settings import SettingError
from server.protocol import Tag
from server.routing import Capacity

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")

Room = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")]
Words = Annotated[str, msgspec.Meta(pattern=r"\w", max_length=100)]


class RoomSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many conversations that wait for us one operator holds at once; None: as the team says."""

    chat: Room | None = None
    messenger: Room | None = None
    email: Room | None = None
    call: Room | None = None
    total: Room | None = None  # of all kinds together
    urgent_extra: Room | None = None  # so many more where they are urgent: what may interrupt


class MemberSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    skills: list[Tag] = []
    languages: list[Language] = []  # none: whatever the customer speaks
    capacity: RoomSettings = msgspec.field(default_factory=RoomSettings)


class TeamSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[teams.NAME]`"""

    title: str = ""
    channels: list[str] = []
    members: dict[str, MemberSettings] = {}  # by login
    assignment: Literal["rules", "claim"] = "rules"
    capacity: RoomSettings = msgspec.field(default_factory=RoomSettings)
    # What needs a skill or a language waits so long for a member who has it and is there.
    wait_for_skill_seconds: Annotated[int, msgspec.Meta(ge=0)] = 120


class QueueSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[queue]`"""

    away_seconds: Annotated[int, msgspec.Meta(ge=1)] = 60  # without his console an operator counts as away
    decline_seconds: Annotated[int, msgspec.Meta(ge=0)] = (
        60  # so long who is handed a conversation may decline
    )
    # So long a customer is silent in a site chat until another channel is proposed; 0: never.
    propose_minutes: Annotated[int, msgspec.Meta(ge=0, le=7 * 24 * 60)] = 15
    # What customers write about: a skill, and words that tell it, in whatever form.
    topics: dict[Tag, list[Words]] = {}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One operator as all of his teams describe him: skills of all, the least capacity of any."""

    teams: frozenset[str]
    skills: frozenset[str]
    languages: frozenset[str]
    capacity: Capacity


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Which team a channel's conversations belong to."""

    team: str
    by_rules: bool
    patience_ms: int  # for a member with the skill or the language


class Teams(msgspec.Struct, frozen=True, kw_only=True):
    members: Mapping[str, Member] = {}  # by login
    served: Mapping[str, Served] = {}  # by channel
    handed: Mapping[str, Served] = {}  # by team: how it serves what it is handed
    titles: Mapping[str, str] = {}  # by team

    def __bool__(self) -> bool:
        return bool(self.members)

    @property
    def skills(self) -> frozenset[str]:
        return frozenset[str]().union(*(member.skills for member in self.members.values()))


def check_teams(
    teams: Mapping[str, TeamSettings], media: Mapping[str, Medium], owners: Mapping[str, str]
) -> None:
    """Raises SettingError. `media`: of every channel; `owners`: logins or teams by channel, "" for none."""
    taken: dict[str, str] = {}
    for name, team in teams.items():
        if not NAME.fullmatch(name):
            raise SettingError("not a team's name", key=name, hint="small Latin letters, digits and hyphens")
        for number, channel in enumerate(team.channels):
            key = f"{name}.channels[{number}]"
            if channel not in media:
                raise SettingError(f"there is no channel {channel!r}", key=key, hint=_known(media))
            if channel in taken:
                raise SettingError(
                    f"{channel} is served by team {taken[channel]!r} already",
                    key=key,
                    hint="a channel has one team; an operator may be in several",
                )
            taken[channel] = name
        for login in team.members:
            if not LOGIN.fullmatch(login):
                raise SettingError(f"{login!r} is no login", key=f"{name}.members")
        if not team.members:
            raise SettingError("nobody is in it", key=f"{name}.members", hint="members.olga = {}")
        if team.assignment == "rules":
            _check_room(name, team, {media[channel] for channel in team.channels})
    if teams:
        everybody = {login for team in teams.values() for login in team.members}
        for channel, owner in owners.items():
            if owner and owner not in everybody and owner not in teams:
                raise SettingError(
                    f"the owner of channel {channel}, {owner!r}, is neither a team nor in one",
                    hint="name a team, or one of the members of the team that serves it",
                )


def _check_room(name: str, team: TeamSettings, media: set[Medium]) -> None:
    for medium in sorted(media):
        rooms = [capacity_of(team, member) for member in team.members.values()]
        if not any(room.of(medium) and room.total for room in rooms):
            raise SettingError(
                f"no member has room for a conversation of the kind {medium}",
                key=f"{name}.capacity.{medium}",
                hint="it would wait for ever: give somebody room for one at least",
            )


def capacity_of(team: TeamSettings, member: MemberSettings) -> Capacity:
    """What the member says, else his team, else the defaults."""
    chosen = {
        field: value
        for settings in (team.capacity, member.capacity)
        for field in RoomSettings.__struct_fields__
        if (value := getattr(settings, field)) is not None
    }
    return Capacity(**chosen)


def make_teams(teams: Mapping[str, TeamSettings]) -> Teams:
    members: dict[str, Member] = {}
    for name, team in teams.items():
        for login, settings in team.members.items():
            capacity = capacity_of(team, settings)
            known = members.get(login)
            members[login] = Member(
                teams=frozenset({name}) | (known.teams if known else frozenset()),
                skills=frozenset(settings.skills) | (known.skills if known else frozenset()),
                languages=frozenset(settings.languages) | (known.languages if known else frozenset()),
                capacity=capacity.least(known.capacity) if known else capacity,
            )
    handed = {
        name: Served(
            team=name,
            by_rules=team.assignment == "rules",
            patience_ms=team.wait_for_skill_seconds * 1000,
        )
        for name, team in teams.items()
    }
    return Teams(
        members=members,
        served={channel: handed[name] for name, team in teams.items() for channel in team.channels},
        handed=handed,
        titles={name: team.title or name for name, team in teams.items()},
    )


def _known(names: Mapping[str, object]) -> str:
    return f"known: {', '.join(names)}" if names else "there are no channels yet"
