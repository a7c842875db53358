"""Libraries that only some need: asked for by the name under which they are installed."""

from __future__ import annotations

from importlib import import_module

from auditor.errors import UsageError


def require(module: str, extra: str, purpose: str) -> None:
    """Load a library, or raise UsageError that says how to get it."""
    try:
        import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{purpose} needs {error.name or module}, which is not installed: "
            f"pip install 'citrix-traffic-auditor[{extra}]'"
        ) from error
