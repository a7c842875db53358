"""Names of captures that are URLs, and what of them may be shown.

A URL can hold a password or a signed key. It is taken out as soon as the URL comes in, and every
later stage, report and message has the hidden form; only who opens the file asks for the real one.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_URL = re.compile(r"(?:[A-Za-z][\w+.-]+::)*[A-Za-z][\w+.-]+://")
"""A protocol has two letters at least: C:\\ and C:/ are drives. fsspec chains URLs with `::`."""

_MASK = "***"
_SECRETS = re.compile(
    r"""
    (?<=://) (?P<user>[^/:@\[\s]*:) (?!:)
    (?: [^/\s]*(?=@)                        # user:password@, the password as RFC 3986 wants it
      | (?!\d*(?:[/?\s]|$)) [^@\s]*(?=@) )  # or with slashes, as keys of S3 have them
    | (?P<key>[?&] (?: [\w-]*signature | [\w-]*token | [\w-]*password | [\w-]*secret | sig ) =)
    [^&\s]+
    """,
    re.VERBOSE | re.IGNORECASE,
)

_hidden: dict[str, str] = {}
"""Hidden form -> the URL as it was given. Nothing writes it anywhere: it ends with the process."""


def is_url(name: str) -> bool:
    """Tell a URL, chained ones included, from the path of a file."""
    return _URL.match(name) is not None


def hide(name: str) -> str:
    """Return a name that can be shown, from which `reveal` finds the way back; a path as it is."""
    if not is_url(name):
        return name
    shown = without_secrets(name)
    # Two that differ in their secrets alone, such as links to share a file by, are two sources.
    number = 1
    while shown != name and _hidden.setdefault(shown, name) != name:
        number += 1
        shown = without_secrets(name, f"{_MASK}{number}")
    return shown


def reveal(name: str) -> str:
    """Return the URL that was hidden behind a name, or the name."""
    return _hidden.get(name, name)


def remember(shown: str, name: str) -> None:
    """Let `reveal` find a URL that another process hid."""
    if shown != name:
        _hidden[shown] = name


def without_secrets(text: str, mask: str = _MASK) -> str:
    """Mask passwords and keys in any text that quotes URLs."""
    return _SECRETS.sub(lambda found: (found["user"] or found["key"]) + mask, text)


def quotes_secret(text: str, name: str) -> bool:
    """Tell whether a text has any part of what is hidden in `name`: libraries take URLs apart."""
    secrets = [
        found[0].removeprefix(found["user"] or found["key"])
        for found in _SECRETS.finditer(reveal(name))
    ]
    parts = [part for secret in secrets for part in (unquote(secret), *re.split("[/@:]", secret))]
    return any(part in text for part in parts if part)
