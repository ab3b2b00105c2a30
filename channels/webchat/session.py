"""A visitor's session: a random token in his browser, its SHA-256 in the channel's state."""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from channels.base import Contact, Host, Sender
from channels.webchat.identity import Identity

DAY_MS = 86_400_000
_PREFIX = "session:"
_TOKEN_LENGTH = 43  # 32 bytes in base64url


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`visitor` names the person to the server, and is the thread of his conversation."""

    visitor: str
    created_at: int
    expires_at: int
    read_seq: int = 0
    identity: Identity | None = None
    name: str = ""  # these three he typed himself
    email: str = ""
    phone: str = ""

    def sender(self, channel_id: str, locale: str = "") -> Sender:
        """Who writes. What he typed is never verified; what the site signed is, where it says so."""
        contacts = []
        known = self.identity
        if known is not None:
            evidence = "signed by the site"
            contacts.append(
                Contact(
                    scheme="webchat-user",
                    external_id=f"{channel_id}:{known.sub}",
                    verified=True,
                    evidence=evidence,
                    proof="signature",
                )
            )
            if known.email:
                contacts.append(
                    Contact(
                        scheme="email",
                        external_id=known.email,
                        verified=known.email_verified,
                        proof="signature",
                        evidence=evidence if known.email_verified else "given by the site, not verified",
                    )
                )
            if known.phone:
                contacts.append(
                    Contact(
                        scheme="phone",
                        external_id=known.phone,
                        verified=known.phone_verified,
                        proof="signature",
                        evidence=evidence if known.phone_verified else "given by the site, not verified",
                    )
                )
        for scheme, typed in (("email", self.email), ("phone", self.phone)):
            if typed and all(
                (contact.scheme, contact.external_id) != (scheme, typed) for contact in contacts
            ):
                contacts.append(
                    Contact(scheme=scheme, external_id=typed, verified=False, evidence="typed by the visitor")
                )
        return Sender(
            external_id=self.visitor,
            name=(known.name if known else "") or self.name or None,
            locale=locale or None,
            contacts=tuple(contacts),
        )


def state_key(token: str) -> str:
    return _PREFIX + hashlib.sha256(token.encode()).hexdigest()


def encode(session: Session) -> bytes:
    return msgspec.json.encode(session)


async def create(host: Host, days: int, identity: Identity | None) -> tuple[str, Session]:
    """A new token and its session, durable when this returns."""
    token = secrets.token_urlsafe(32)
    now = host.now()
    session = Session(
        visitor=secrets.token_hex(16), created_at=now, expires_at=now + days * DAY_MS, identity=identity
    )
    await host.put(state_key(token), encode(session))
    return token, session


async def load(host: Host, token: str) -> Session | None:
    """The session of a token, or None where it is unknown or has run out."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    stored = await host.get(state_key(token))
    if stored is None:
        return None
    session = msgspec.json.decode(stored, type=Session)
    if session.expires_at <= host.now():
        await host.put(state_key(token), None)
        return None
    return session


async def save(host: Host, token: str, session: Session) -> None:
    await host.put(state_key(token), encode(session))


async def sweep(host: Host) -> int:
    """Remove the sessions that have run out; how many."""
    removed, after = 0, ""
    while page := await host.items(_PREFIX, after):
        after = page[-1][0]
        for key, stored in page:
            if msgspec.json.decode(stored, type=Session).expires_at <= host.now():
                # It cannot have been renewed meanwhile: who asks for it finds it run out, too.
                await host.put(key, None)
                removed += 1
    return removed
