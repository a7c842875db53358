"""The closed lists of words that rule files may use; what each means stands in rules/README.md."""

from __future__ import annotations

DEFAULT_EDITION = "citrix-adc"
"""The edition of the paper that is shipped."""

PAPER_ORIGINS = ("table", "prose", "details", "note")
"""Where in the paper a rule stands; other packs have one origin each (ORIGIN_OF_PACK)."""

ORIGIN_OF_PACK = {"vendor": "page", "ambient": "page", "site": "site"}

BASES = ("stated", "inferred")
NEEDS = ("expected", "conditional", "optional", "planned", "never")
GROUP_MODES = ("any", "all")
ROLE_KINDS = (
    "appliance",
    "server",
    "endpoint",
    "process",
    "cloud",
    "internet",
    "thirdparty",
    "pseudo",
)

DERIVED_CAVEATS = ("icmp", "same-role", "wildcard", "inferred-transport")
"""Caveats that follow from the rest of a rule, so that nobody has to write them."""

WRITTEN_CAVEATS = (
    "insecure-alternative",
    "possibly-insecure",
    "conditional",
    "optional",
    "planned",
    "doubtful-direction",
    "doubtful-peer",
    "doubtful-transport",
    "doubtful-details",
    "dynamic-range",
    "random-port",
    "loopback",
    "prose-only",
)

RULE_CAVEATS = (*WRITTEN_CAVEATS, *DERIVED_CAVEATS)
"""All caveats that a rule can carry, in the order in which they are listed."""

FLOW_CAVEATS = (
    "broadcast",
    "via-implied-role",
    "hostname-confirmed",
    "direction-inferred",
    "role-inferred",
    "payload-truncated",
)
"""Caveats that belong to a flow and never to a rule."""

INSECURE_CAVEATS = frozenset({"insecure-alternative", "possibly-insecure"})
"""Caveats by which a rule says that the same document offers a secure twin."""
