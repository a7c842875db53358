"""`auditor hosts`: work on site files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from auditor.catalog.load import load_catalog
from auditor.cli.catalog import catalog_options
from auditor.cli.hosts_import import import_command
from auditor.cli.hosts_infer import infer_command
from auditor.report.text import safe
from auditor.site.load import load_site
from auditor.site.review import remarks, summary


@click.group()
def hosts() -> None:
    """Work on the site file, which says who is who."""


@hosts.command()
@click.argument("file", type=click.Path(path_type=Path))
@catalog_options
def check(file: Path, directories: tuple[Path, ...], edition: str | None) -> None:
    """Check a site file.

    Lists every mistake in FILE with its line; or says in short what the file declares, and what
    in it looks like a slip.
    """
    catalog = load_catalog(directories, edition=edition)
    site = load_site(file, catalog)
    click.echo(f"{safe(site.path)}: no mistakes")
    for line in summary(site):
        click.echo(f"  {line}")
    for remark in remarks(site, catalog, datetime.now(tz=UTC).date()):
        click.echo(f"note: {safe(remark)}")


hosts.add_command(import_command, "import")
hosts.add_command(infer_command, "infer")
