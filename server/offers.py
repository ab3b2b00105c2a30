"""What each channel offers, as configured and as its adapter can: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from channels.base import Channel, ChannelSettings, Medium
from server.acknowledging import Acknowledging, Away
from server.cases.ways import ChannelOffer
from server.cut_off import Owner
from server.intake import DAY_MS
from server.people.authors import ChannelFacts
from server.queue.hours import Calendar
from server.settings import Config, SendingSettings


def offers_of(channels: Mapping[str, Channel], config: Config) -> dict[str, ChannelOffer]:
    """By channel: what replies can be sent by it, and how."""
    return {
        channel_id: ChannelOffer(
            id=channel_id,
            title=channel.settings.title or channel.spec.title,
            mark=channel.spec.mark,
            scheme=channel.spec.scheme,
            account="" if channel.spec.shared_scheme else channel_id,
            capabilities=channel.spec.capabilities,
            own_addresses=channel.own_addresses(),
            quote_max=channel.quotes(),
            signature=channel.signature(),
            known_ms=config.site.identity_days * DAY_MS,
            hold_ms=hold_ms(channel.settings, channel.spec.capabilities.medium, config.sending),
        )
        for channel_id, channel in channels.items()
    }


def hold_ms(settings: ChannelSettings, medium: Medium, sending: SendingSettings) -> int:
    """For how long a reply by this channel waits before it leaves."""
    by_kind = sending.hold_letters_seconds if medium == "email" else sending.hold_chats_seconds
    return int((by_kind if settings.hold_seconds is None else settings.hold_seconds) * 1000)


def facts_of(offers: Mapping[str, ChannelOffer]) -> dict[str, ChannelFacts]:
    """By channel: what must be known to tell who writes by it."""
    return {
        channel_id: ChannelFacts(
            id=channel_id,
            scheme=offer.scheme,
            account=offer.account,
            begins_anew=offer.capabilities.begins_anew,
            title=offer.title,
        )
        for channel_id, offer in offers.items()
    }


def owner_of(config: Config, name: str) -> Owner:
    """`name`: a login, a team, or "" for nobody."""
    team = config.teams.get(name)
    return Owner(name, frozenset((name,) if team is None else team.members) if name else frozenset())


def acknowledging_of(
    channels: Mapping[str, Channel],
    config: Config,
    calendar_of: Callable[[str], Calendar | None],
    name_message: Callable[[str, int, int], str | None],
) -> Acknowledging:
    """What the channels say by themselves. `name_message`: by channel, conversation and message."""
    return Acknowledging(
        texts={channel_id: channel.acknowledgement() for channel_id, channel in channels.items()},
        several=frozenset(
            channel_id
            for channel_id, channel in channels.items()
            if channel.spec.capabilities.recipients_max > 1
        ),
        away={
            channel_id: Away(calendar, said, config.site.language, config.site.name)
            for channel_id, channel in channels.items()
            if (said := channel.settings.out_of_hours) and (calendar := calendar_of(channel_id)) is not None
        },
        name_message=name_message,
    )
