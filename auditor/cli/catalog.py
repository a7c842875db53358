"""`auditor catalog`: the port catalog listed, shown, checked and exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from tabulate import tabulate

from auditor.catalog.check import check_catalog
from auditor.catalog.describe import (
    describe_feature,
    describe_role,
    describe_rules,
    feature_rules,
    wrapped,
)
from auditor.catalog.export import FORMATS
from auditor.catalog.load import load_catalog
from auditor.catalog.lookup import parse_query, rules_on, with_role
from auditor.catalog.model import PACKS
from auditor.catalog.wording import place, services
from auditor.errors import AuditError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from auditor.catalog.model import Catalog, Rule

P = ParamSpec("P")
R = TypeVar("R")

_PATH = click.Path(path_type=Path)
_EXPORTED = ("paper", "site")
"""Packs that an export holds unless others are asked for."""
_WIDTHS = [7, 16, 20, 22, 27]
"""Of the columns of a list of rules: 100 with the gaps between them."""


def catalog_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the options that choose the catalog: `directories` and `edition`."""
    for option in (
        click.option(
            "--edition", metavar="NAME", help="Edition of the paper, if the catalog holds several."
        ),
        click.option(
            "--catalog",
            "directories",
            metavar="DIR",
            multiple=True,
            type=_PATH,
            help="Rules that add to the shipped ones or replace them (repeatable).",
        ),
    ):
        command = option(command)
    return command


@click.group()
def catalog() -> None:
    """Look into the port catalog: what is documented, and where."""


@catalog.command("list")
@click.option("--role", help="Rules that a host of this role satisfies at either end.")
@click.option("--port", metavar="PORT[/TRANSPORT]", help="Rules on this port.")
@click.option("--product", help="Rules of products whose name has this in it.")
@click.option("--row", type=click.IntRange(1), help="Rules of this line of the paper.")
@click.option("--pack", type=click.Choice(PACKS), multiple=True, help="Rules of this pack.")
@catalog_options
def list_command(
    role: str | None,
    port: str | None,
    product: str | None,
    row: int | None,
    pack: tuple[str, ...],
    directories: tuple[Path, ...],
    edition: str | None,
) -> None:
    """List rules, those that meet every option given."""
    found = load_catalog(directories, edition=edition)
    rules = list(found.rules)
    if role is not None:
        rules = _keep(rules, _rules_of_role(found, role))
    if port is not None:
        rules = _keep(rules, _rules_on(found, port))
    if product is not None:
        rules = [rule for rule in rules if product.lower() in rule.product.lower()]
    if row is not None:
        rules = [rule for rule in rules if rule.row == row]
    if pack:
        rules = [rule for rule in rules if rule.pack in pack]
    if rules:
        click.echo(_rule_table(rules))
        click.echo()
    click.echo(f"{_count(len(rules), 'rule')} of {len(found.rules)}, edition {found.edition}")


@catalog.command("show")
@click.argument("what", required=False, metavar="[ID|ROW|PORT]")
@catalog_options
def show_command(what: str | None, directories: tuple[Path, ...], edition: str | None) -> None:
    """Show one entry, or, without an argument, the whole in outline and its features.

    ID is a rule, group, role or feature; ROW a line of the paper (l.53 to leave no doubt);
    PORT a port (tcp/53 to leave no doubt); `roles` lists the roles.
    """
    found = load_catalog(directories, edition=edition)
    if what is None:
        lines = _outline(found)
    elif what == "roles":
        lines = iter([_role_table(found)])
    else:
        lines = _shown(found, what)
    click.echo("\n".join(lines).rstrip())


@catalog.command("check")
@click.argument("directories", nargs=-1, metavar="[DIR]...", type=_PATH)
def check_command(directories: tuple[Path, ...]) -> None:
    """Find every mistake in the shipped rules and in those of each DIR laid over them."""
    checked = check_catalog(directories)
    found = checked.catalog
    click.echo(
        f"{_count(len(found.rules), 'rule')}, {_count(len(found.roles), 'role')} and "
        f"{_count(len(found.features), 'feature')} in {_count(checked.files, 'file')}, "
        f"{_count(len(checked.editions), 'edition')} of the paper: no mistakes"
    )


@catalog.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Format.  [default: by the suffix of --output, else csv]",
)
@click.option(
    "--output", "-o", metavar="PATH", type=_PATH, help="Write here.  [default: standard output]"
)
@click.option(
    "--pack",
    type=click.Choice(PACKS),
    multiple=True,
    default=_EXPORTED,
    help="Packs to export (repeatable).  [default: paper and site]",
)
@catalog_options
def export_command(
    form: str | None,
    output: Path | None,
    pack: tuple[str, ...],
    directories: tuple[Path, ...],
    edition: str | None,
) -> None:
    """Write the catalog in another format: one line per row, transport and port range."""
    suffix = output.suffix.lower() if output is not None else ""
    form = form or {".json": "json", ".md": "markdown"}.get(suffix, "csv")
    text = FORMATS[form](load_catalog(directories, edition=edition), pack)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise AuditError(f"{output}: cannot be written: {error.strerror or error}") from None


def _keep(rules: list[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    ids = {rule.id for rule in wanted}
    return [rule for rule in rules if rule.id in ids]


def _rules_on(found: Catalog, port: str) -> list[Rule]:
    try:
        return rules_on(found, parse_query(port))
    except ValueError as error:
        raise UsageError(f"--port: {error}") from None


def _rules_of_role(found: Catalog, role: str) -> list[Rule]:
    if role not in found.roles:
        raise UsageError(f"--role: no such role: {role!r}; `auditor catalog show roles` lists them")
    sources, destinations = with_role(found, role)
    return sources + destinations


def _shown(found: Catalog, what: str) -> Iterator[str]:
    """Show all that goes by a name or number."""
    rules = _rules_called(found, what)
    if rules:
        yield from describe_rules(rules, found)
    role, feature = found.roles.get(what), found.features.get(what)
    if role is not None:
        yield from describe_role(role, found)
    if feature is not None:
        yield from describe_feature(feature, found)
    if not rules and role is None and feature is None:
        raise UsageError(
            f"catalog show: {what!r} is no rule, group, role, feature, line or port of the catalog"
        )


def _rules_called(found: Catalog, what: str) -> list[Rule]:
    line = what.removeprefix("l.")
    rows = [rule for rule in found.rules if str(rule.row) == line]
    if what.startswith("l."):
        return rows
    named = [rule for rule in found.rules if what in {rule.id, *rule.groups}]
    try:
        ports = rules_on(found, parse_query(what))
    except ValueError:
        ports = []
    return list(dict.fromkeys([*rows, *named, *(rule for rule in ports if not rule.weak)]))


def _outline(found: Catalog) -> Iterator[str]:
    yield f"Edition {found.edition}, digest {found.digest[:16]}"
    for pack in PACKS:
        rules = [rule for rule in found.rules if rule.pack == pack]
        if rules:
            products = dict.fromkeys(rule.product for rule in rules)
            yield ""
            yield wrapped(f"{_count(len(rules), 'rule')}: {', '.join(products)}", f"{pack:<9}")
    yield from ("", f"{_count(len(found.roles), 'role')}; `auditor catalog show roles` lists them")
    yield from ("", "Features, which a site file turns on or off:")
    for feature in found.features.values():
        yield from ("", f"  {feature.id}")
        yield wrapped(f"{feature.meaning}.", "      ")
        for title, ids in feature_rules(feature, found):
            yield wrapped(f"{title}: {_places(found, ids)}.", "      ")


def _places(found: Catalog, ids: list[str]) -> str:
    rules = [found.by_id[rule_id] for rule_id in ids]
    return ", ".join(f"{services(rule)} ({place(rule)})" for rule in rules)


def _rule_table(rules: list[Rule]) -> str:
    header = ("line", "services", "from", "to", "rule")
    rows = [
        (
            place(rule),
            services(rule),
            ", ".join(rule.sources),
            ", ".join((*rule.destinations, *rule.destination_names)),
            rule.id,
        )
        for rule in rules
    ]
    return _table(rows, header, _WIDTHS)


def _role_table(found: Catalog) -> str:
    header = ("role", "kind", "implies", "what it is")
    rows = [
        (role.id, role.kind, ", ".join(role.implies), role.display) for role in found.roles.values()
    ]
    return _table(rows, header, [34, 11, 18, 31])


def _table(rows: Sequence[tuple[str, ...]], header: tuple[str, ...], widths: list[int]) -> str:
    return tabulate(rows, header, tablefmt="simple", maxcolwidths=widths, disable_numparse=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
