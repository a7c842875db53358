"""Site files as text, a small catalog to hold them against, and what loading them gives."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from auditor.catalog.model import Catalog, Feature, Role, Rule, Service
from auditor.errors import SiteError
from auditor.site.load import load_site

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.errors import Problem
    from auditor.site.model import Site


def _role(identity: str, display: str, *synonyms: str) -> Role:
    return Role(identity, display, "any product", "server", component=True, synonyms=synonyms)


def _rule(
    identity: str, *services: Service, pack: str = "paper", part: str = "", page: str = ""
) -> Rule:
    return Rule(
        id=identity,
        pack=pack,
        origin="table",
        row=1,
        product="any product",
        sources=("vda",),
        destinations=("ddc",),
        services=services,
        purpose="be moved",
        group=identity,
        part=part,
        page=page,
    )


CATALOG = Catalog(
    edition="made by hand",
    rules=(
        _rule("registration", Service("tcp", 80, 80), Service("tcp", 443, 443)),
        _rule("streaming", Service("udp", 6910, 6930)),
        _rule("name-resolution", Service("tcp", 53, 53), Service("udp", 53, 53)),
        _rule("ping", Service("icmp", None, None)),
        _rule("leases", Service("udp", 67, 67), pack="ambient", part="dhcp"),
    ),
    roles={
        role.id: role
        for role in (
            _role("ddc", "DDC Controller", "Delivery Controller", "Broker"),
            _role("vda", "Virtual Delivery Agent", "VDA"),
            _role("sql-server", "Microsoft SQL Server"),
            _role("user-device", "User Device", "Citrix Workspace app"),
            _role("wem-agent", "WEM Agent", "Agent"),
            _role("gateway-plugin", "Gateway Plug-in", "Agent"),
            _role("gateway-service", "Gateway Service"),
        )
    },
    features={
        feature.id: feature
        for feature in (Feature("edt", "EDT is used"), Feature("adc-ha", "ADCs form a pair"))
    },
    digest="",
)


def load(directory: Path, text: str, name: str = "site.yaml") -> Site:
    """Load a site file with this text."""
    path = directory / name
    path.write_text(dedent(text), encoding="utf-8")
    return load_site(path, CATALOG)


def mistakes(directory: Path, text: str, name: str = "site.yaml") -> list[str]:
    """List the mistakes of a site file with this text, each as `line: message`."""
    with pytest.raises(SiteError) as caught:
        load(directory, text, name)
    path = str(directory / name)
    assert all(problem.path == path for problem in caught.value.problems)
    return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]


def problems(path: Path) -> tuple[Problem, ...]:
    """List what is wrong with a site file, nothing if it loads; any other error comes through."""
    try:
        load_site(path, CATALOG)
    except SiteError as error:
        return error.problems
    return ()
