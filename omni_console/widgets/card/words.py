"""The card's words: how an address is known, why two cards may be one person, what a consent is for. Pure."""

from __future__ import annotations

from omni_console.i18n import N_, _
from omni_console.server_words import said_by_server
from server.protocol import Address, Field, FieldSpec, Origin, Reason, Suggestion


def proof(address: Address) -> str:
    """How we know that it is his, in words."""
    if not address.verified:
        return said_by_server(address.evidence) or _("only claimed")
    return {
        "code": _("confirmed by a code"),
        "signature": _("signed by the site"),
        "colleague": _("a colleague vouches for it"),
    }.get(address.proof) or said_by_server(address.evidence)


def state(address: Address) -> str:
    """What stands in the way of writing there; "" when nothing does."""
    if address.barred:
        return _("barred")
    return _("blocked us") if address.blocked else ""


def reason(one: Reason) -> str:
    """Why two cards may be one person. The text is a customer's: clean it when it is painted."""
    words = {
        "email": _("same e-mail {text}"),
        "phone": _("same phone {text}"),
        "caller": _("calls from {text}"),
        "name": _("same name {text}"),
        "order": _("named the order {text}"),
        "unverified": _("claims {text}"),
    }[one.kind]
    return words.format(text=one.text).strip()


def reasons(suggestion: Suggestion) -> str:
    return ", ".join(reason(one) for one in sorted(suggestion.reasons, key=lambda one: -one.weight))


def purpose(name: str) -> str:
    return {"service": _("service"), "marketing": _("marketing")}.get(name, name)


def scheme(name: str) -> str:
    return {"*": _("all channels"), "email": _("e-mail"), "phone": _("telephone")}.get(name, name)


def field_title(spec: FieldSpec | None, name: str) -> str:
    """The site's own title, or ours for the fields that every site has."""
    if spec is not None and spec.own:
        return spec.title or name
    known = {
        "name": _("name"),
        "language": _("language"),
        "time_zone": _("time zone"),
        "preferred_channel": _("asked for"),
    }
    return known.get(name) or (spec.title if spec else name)


def field_value(spec: FieldSpec | None, value: str) -> str:
    if spec is not None and spec.kind == "flag":
        return {"yes": _("yes"), "no": _("no")}.get(value, value)
    return value


def record_kind(kind: str) -> str:
    return {
        "order": _("orders"),
        "payment": _("payments"),
        "contract": _("contracts"),
        "subscription": _("subscriptions"),
        "call": _("calls"),
    }.get(kind, kind)


def score_kind(kind: str) -> str:
    return {"csat": "CSAT", "nps": "NPS", "ces": "CES", "own": _("score")}.get(kind, kind)


def money(amount: str, currency: str) -> str:
    """ "37800.00" → "37 800 RUB"; what is no number stays as it is."""
    whole, point, rest = amount.partition(".")
    if whole.lstrip("-").isdecimal():
        whole = f"{int(whole):,}".replace(",", " ")
    if not rest.strip("0"):
        point = rest = ""
    return f"{whole}{point}{rest} {currency}".strip()


def bare(address: str) -> str:
    """ "https://shop.example/sale?utm_source=ya" → "shop.example/sale"."""
    plain = address.partition("://")[2].partition("?")[0].partition("#")[0].rstrip("/")
    return plain or address


def campaign(origin: Origin) -> str:
    """ "google / cpc · autumn"."""
    from_where = " / ".join(origin.campaign[key] for key in ("source", "medium") if origin.campaign.get(key))
    rest = [origin.campaign[key] for key in ("campaign", "term", "content") if origin.campaign.get(key)]
    return " · ".join([from_where, *rest] if from_where else rest)


SOURCES = {
    "operator": N_("a colleague"),
    "channel": N_("told by the channel"),
    "message": N_("from a message"),
    "api": N_("by the API"),
    "import": N_("imported"),
}


def known_from(field: Field) -> str:
    """Who said it, or where it comes from."""
    return field.by.split(" ")[0] if field.source == "operator" and field.by else _(SOURCES[field.source])
