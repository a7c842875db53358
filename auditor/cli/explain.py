"""`auditor explain`: who may talk to whom on a port, why, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.catalog.describe import explain_port
from auditor.catalog.load import load_catalog
from auditor.catalog.lookup import parse_query
from auditor.cli.catalog import catalog_options
from auditor.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("port", metavar="PORT[/TRANSPORT]")
@catalog_options
def explain(port: str, directories: tuple[Path, ...], edition: str | None) -> None:
    """Say who may talk to whom on PORT, and why.

    PORT is a number, alone or with a transport (1494, 389/udp, tcp/443), or icmp.
    """
    try:
        query = parse_query(port)
    except ValueError as error:
        raise UsageError(f"explain: {error}") from None
    click.echo("\n".join(explain_port(load_catalog(directories, edition=edition), query)))
