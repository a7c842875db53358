"""Hold captured traffic against the ports that Citrix documents.

The public names and nothing else; each is loaded when it is first asked for, so that the command
line answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.catalog.load import load_catalog
    from auditor.catalog.model import Catalog
    from auditor.drafting import infer_hosts
    from auditor.errors import AuditError
    from auditor.live.run import monitor
    from auditor.pipeline import audit, read_flows
    from auditor.report.model import Report
    from auditor.site.load import load_site
    from auditor.site.model import Site

__version__ = "0.1.0"

__all__ = [
    "AuditError",
    "Catalog",
    "Report",
    "Site",
    "audit",
    "infer_hosts",
    "load_catalog",
    "load_site",
    "monitor",
    "read_flows",
]

_HOME = {
    "AuditError": "auditor.errors",
    "Catalog": "auditor.catalog.model",
    "Report": "auditor.report.model",
    "Site": "auditor.site.model",
    "audit": "auditor.pipeline",
    "infer_hosts": "auditor.drafting",
    "load_catalog": "auditor.catalog.load",
    "load_site": "auditor.site.load",
    "monitor": "auditor.live.run",
    "read_flows": "auditor.pipeline",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
