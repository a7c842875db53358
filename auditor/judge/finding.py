"""One finding: what it is, what it rests on, and by what it is known again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.catalog.model import Rule
    from auditor.hosts import Host
    from auditor.judge.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; its identity excludes counts and times, so that audits compare."""

    kind: str
    """unexpected, contradicted, masquerade, blocked, missing, insecure or unknown."""
    severity: Severity
    title: str
    client: str
    """Host name, else address; a role where no host is meant."""
    client_roles: tuple[str, ...]
    server: str
    server_roles: tuple[str, ...]
    transport: str
    port: int | None
    flows: tuple[int, ...]
    """Rows of the flow table, in order; empty for what is missing."""
    rules: tuple[Rule, ...]
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]
    caveats: tuple[str, ...]
    reason: str
    advice: str
    hosts: tuple[Host | None, Host | None] = field(default=(None, None), compare=False)

    @property
    def id(self) -> str:
        """Name the finding the same in every audit: twelve hexadecimal digits."""
        identity = (self.kind, self.client, self.server, self.transport, str(self.port))
        return hashlib.sha256("\x1f".join(identity).encode()).hexdigest()[:12]
