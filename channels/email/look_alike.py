"""Addresses that look like others: equal skeletons, mixed scripts, names that hold an address.

In the spirit of Unicode TS 39, small: the letters with which real swindlers imitate Latin and Cyrillic
domains. It warns people and decides nothing.
"""

from __future__ import annotations

import functools
import re
import unicodedata

import idna

from channels.email.addresses import canonical, split_address

# Everything that a hurried reader takes for the Latin letter on the right.
_TWINS: dict[str, str] = {}
for _letter, _twins in {
    "a": "аαɑ",
    "b": "ЬьбƅƄ",
    "c": "сϲ",
    "d": "ԁɗ",
    "e": "еєҽё",
    "g": "ɡց",
    "h": "һհн",
    "i": "іıìíîï!|1lӏǀ",
    "j": "јϳ",
    "k": "кκ",
    "m": "м",
    "n": "ոпη",
    "o": "оοσօ0",
    "p": "рρ",
    "q": "ԛգ",
    "r": "г",
    "s": "ѕ5$",
    "t": "тτ",
    "u": "υսц",
    "v": "νѵ",
    "w": "ԝшω",
    "x": "хχ",
    "y": "уγү",
    "z": "ʐ2",
}.items():
    _TWINS.update(dict.fromkeys(_twins, _letter))

_LETTERS = str.maketrans(_TWINS)
_PAIRS = (("rn", "m"), ("vv", "w"))


def skeleton(address: str) -> str:
    """Equal for addresses that look alike. "" where there is no address."""
    local, domain = split_address(canonical(address))
    return f"{_skeleton(local)}@{_skeleton(readable(domain))}" if local else ""


def domain_skeleton(domain: str) -> str:
    return _skeleton(readable(domain))


def readable(domain: str) -> str:
    """The domain as a mail program shows it: punycode labels as letters."""
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


@functools.lru_cache(maxsize=256)
def _skeleton(text: str) -> str:
    plain = text.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = plain.translate(_LETTERS)
    for pair, letter in _PAIRS:
        plain = plain.replace(pair, letter)
    return plain


def mixes_scripts(domain: str) -> bool:
    """Whether one label of the domain has letters of several alphabets."""
    shown = readable(domain)
    if shown.isascii():
        return False
    for label in shown.split("."):
        scripts = {_script(char) for char in label if char.isalpha()}
        # Japanese, Chinese and Korean are written in several at once.
        if len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"}) > 1:
            return True
    return False


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]


def warnings(sender: str, name: str, reply_to: str, own: str) -> dict[str, str]:
    """What an operator should know before he believes who wrote; facts by their key.

    warn_mixed_script, warn_like_ours, warn_name (another address in the display name), warn_reply_to
    (answers would go to another domain); each with what it is about.
    """
    found: dict[str, str] = {}
    domain = split_address(sender)[1]
    own_domain = split_address(own)[1]
    if mixes_scripts(domain):
        found["warn_mixed_script"] = f"{readable(domain)} ({domain})"
    if (
        domain
        and own_domain
        and domain != own_domain
        and domain_skeleton(domain) == domain_skeleton(own_domain)
    ):
        found["warn_like_ours"] = own_domain
    claimed = [
        canonical(one) for one in re.findall(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+\.[^\s<>\"'(),;:]+", name)
    ]
    others = [one for one in claimed if one and one != sender]
    if others:
        found["warn_name"] = others[0]
    if reply_to and split_address(reply_to)[1] != domain:
        found["warn_reply_to"] = reply_to
    return found
