"""`auditor hosts import`: a site file from what other programs know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.catalog.load import load_catalog
from auditor.cli import complain
from auditor.cli.catalog import catalog_options
from auditor.errors import UsageError
from auditor.site.importers import IMPORTERS, import_file
from auditor.site.importers.merging import merge
from auditor.site.load import load_site
from auditor.site.write import site_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_PATH, metavar="FILE...")
@click.option(
    "--kind",
    type=click.Choice(list(IMPORTERS)),
    help="What the files are.  [default: found out for each]",
)
@click.option("--into", type=_PATH, metavar="SITE", help="Site file to add to; it comes first.")
@click.option(
    "--output",
    "-o",
    type=_PATH,
    metavar="PATH",
    help="Write the site file here.  [default: standard output]",
)
@catalog_options
def import_command(
    files: tuple[Path, ...],
    *,
    kind: str | None,
    into: Path | None,
    output: Path | None,
    directories: tuple[Path, ...],
    edition: str | None,
) -> None:
    """Make a site file from other programs' files.

    FILE is a NetScaler ns.conf, a CSV export of Get-BrokerMachine or Get-BrokerController, or a
    table with the columns address, roles, name. The first file wins where two differ; roles add
    up. Whatever is left out or contradicts itself is named on standard error.
    """
    catalog = load_catalog(directories, edition=edition)
    base = None if into is None else load_site(into, catalog)
    merged = merge([import_file(path, catalog, kind) for path in files], catalog, base)
    text = site_text(merged.site, comments=merged.comments, heading=_heading(files, into))
    if output is None:
        # Bytes, because a site file is UTF-8 whatever this console speaks.
        click.echo(text.encode(), nl=False)
    else:
        _save(text, output)
    for note in merged.notes:
        complain(f"note: {note}")


def _heading(files: Sequence[Path], into: Path | None) -> list[str]:
    added = ", ".join(map(str, files))
    return [
        f"Imported from {added}" + (f" into {into}" if into else ""),
        "Correct what is wrong, then look it over: auditor hosts check THIS-FILE",
    ]


def _save(text: str, path: Path) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
