"""`ns.conf` line by line: the appliance's own addresses, its peers, and what it balances."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from auditor.errors import Problem
from auditor.hostnames import safe_name
from auditor.site.importers.claims import is_host, parse_endpoint, shown
from auditor.site.importers.netscaler.balancing import BackEnd, Virtual
from auditor.site.importers.netscaler.cli import read_commands
from auditor.site.importers.netscaler.configuration import Configuration, Mention, Own
from auditor.site.importers.netscaler.tables import PEERS
from auditor.site.importers.netscaler.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.catalog.model import Catalog
    from auditor.site.importers.claims import Address, Imported
    from auditor.site.importers.netscaler.cli import Command
    from auditor.site.importers.netscaler.tables import Peer

_HOST_MASK = "255.255.255.255"


def read_netscaler(text: str, path: str, catalog: Catalog) -> Imported:
    """Read a configuration; what cannot be understood of the commands that matter is noted."""
    configuration = Configuration(path)
    for command in read_commands(text, _HANDLERS, path, configuration.notes):
        try:
            _HANDLERS[command.head](configuration, command)
        except ValueError as error:
            configuration.notes.append(Problem(path, command.line, f"{command.head}: {error}"))
    return tell(configuration, catalog)


def _own(configuration: Configuration, command: Command, says: str) -> None:
    kind = command.options.get("-type", "").upper() or says
    address = _address(command.word(0, "an address"))
    # A link-local address is the same on every appliance.
    if is_host(address) and not address.is_link_local:
        listed = configuration.nsip if kind == "NSIP" else configuration.own
        listed.append(Own(address, kind, command.line))


def _nsip(configuration: Configuration, command: Command) -> None:
    if "-ipaddress" in command.options:
        address = _address(command.options["-ipaddress"])
        configuration.nsip.insert(0, Own(address, "NSIP", command.line))


def _host_name(configuration: Configuration, command: Command) -> None:
    configuration.host_name = safe_name(command.word(0, "a host name"))


def _other(configuration: Configuration, command: Command, says: str, feature: str) -> None:
    address = _address(command.word(1, "an address"))
    configuration.others.append(Own(address, says, command.line))
    configuration.features.setdefault(feature, command.line)


def _gslb_site(configuration: Configuration, command: Command) -> None:
    # The type of the site may stand between its name and its address.
    address = _address(command.word(max(len(command.words) - 1, 1), "an address"))
    listed = configuration.own if "LOCAL" in command.words[1:-1] else configuration.others
    listed.append(Own(address, f"GSLB site {command.word(0, 'a name')}", command.line))


def _peers(configuration: Configuration, command: Command, peers: tuple[Peer, ...]) -> None:
    for peer in peers:
        target = next(
            (found for at in peer.at if (found := _argument(command, at)) is not None), None
        )
        if target:
            mention = Mention(target, peer.role, peer.says, command.line, _port(command))
            configuration.mentions.append(mention)


def _argument(command: Command, at: int | str) -> str | None:
    if isinstance(at, str):
        return command.options.get(at)
    return command.words[at] if at < len(command.words) else None


def _port(command: Command) -> int | None:
    digits = command.options.get("-serverport") or command.options.get("-port") or ""
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 6 else None


def _snmp_manager(configuration: Configuration, command: Command) -> None:
    if command.options.get("-netmask", _HOST_MASK) != _HOST_MASK:
        raise ValueError("a whole network may ask; list its managers by hand")
    _peers(configuration, command, PEERS[command.head])


def _dns_record(configuration: Configuration, command: Command) -> None:
    name = safe_name(command.word(0, "a host name"))
    if name is not None:
        configuration.records.setdefault(name, _address(command.word(1, "an address")))


def _server(configuration: Configuration, command: Command) -> None:
    name = command.word(0, "a name")
    endpoint = parse_endpoint(command.word(1, "an address"))
    configuration.balancing.servers[name.lower()] = endpoint


def _service(configuration: Configuration, command: Command) -> None:
    name, target = command.word(0, "a name"), command.word(1, "a server")
    service_type, port = command.word(2, "a type").upper(), command.word(3, "a port")
    back_end = BackEnd(name, service_type, target, port, command.line)
    configuration.balancing.back_ends[name.lower()].append(back_end)


def _group(configuration: Configuration, command: Command) -> None:
    name = command.word(0, "a name").lower()
    configuration.balancing.group_types[name] = command.word(1, "a type").upper()


def _bind_owner(configuration: Configuration, command: Command) -> None:
    balancing = configuration.balancing
    name = command.word(0, "a name")
    monitor = command.options.get("-monitorname")
    if monitor is not None:
        balancing.monitors[name.lower()].append(monitor.lower())
    elif len(command.words) > 2:
        kind = balancing.group_types.get(name.lower(), "")
        back_end = BackEnd(name, kind, command.words[1], command.words[2], command.line)
        balancing.back_ends[name.lower()].append(back_end)


def _monitor(configuration: Configuration, command: Command) -> None:
    name = command.word(0, "a name").lower()
    if len(command.words) > 1:
        configuration.balancing.monitor_types[name] = command.words[1].upper()


def _bind_monitor(configuration: Configuration, command: Command) -> None:
    # The form of old releases: the monitor is bound to the service.
    monitor, name = command.word(0, "a monitor").lower(), command.word(1, "a service").lower()
    configuration.balancing.monitors[name].append(monitor)


def _virtual(configuration: Configuration, command: Command, kind: str) -> None:
    name, service_type = command.word(0, "a name"), command.word(1, "a type").upper()
    address = _address(command.words[2]) if len(command.words) > 2 else None
    if address is not None and not is_host(address):
        address = None
    port = command.words[3] if len(command.words) > 3 else ""
    virtual = Virtual(name, kind, service_type, address, port, command.line)
    configuration.balancing.virtuals[name.lower()] = virtual


def _bind_virtual(configuration: Configuration, command: Command) -> None:
    name = command.word(0, "a name").lower()
    targets = [*command.words[1:2], *_targets(command)]
    targets += [command.options.get("-policyname", "")] if len(targets) == 0 else []
    configuration.balancing.behind[name] += [target.lower() for target in targets if target]


def _lead(configuration: Configuration, command: Command) -> None:
    name = command.word(0, "a name").lower()
    targets = [*_targets(command), command.options.get("-action", "")]
    target = next(filter(None, targets), "")
    if target:
        configuration.balancing.leads_to[name] = target.lower()


def _targets(command: Command) -> list[str]:
    options = ("-lbvserver", "-targetlbvserver", "-targetvserver", "-vserver")
    return [command.options[name] for name in options if command.options.get(name)]


def _address(text: str) -> Address:
    endpoint = parse_endpoint(text)
    if endpoint.address is None:
        raise ValueError(f"expected an address, found {shown(text)}")
    return endpoint.address


_HANDLERS: dict[str, Callable[[Configuration, Command], None]] = {
    **{head: partial(_peers, peers=peers) for head, peers in PEERS.items()},
    "add snmp manager": _snmp_manager,
    "set ns config": _nsip,
    "set ns hostname": _host_name,
    "add ns ip": partial(_own, says="SNIP"),
    "add ns ip6": partial(_own, says="SNIP"),
    "add ha node": partial(_other, says="HA node", feature="adc-ha"),
    "add cluster node": partial(_other, says="cluster node", feature="adc-cluster"),
    "add gslb site": _gslb_site,
    "add dns addrec": _dns_record,
    "add dns aaaarec": _dns_record,
    "add server": _server,
    "add service": _service,
    "add servicegroup": _group,
    "bind service": _bind_owner,
    "bind servicegroup": _bind_owner,
    "add lb monitor": _monitor,
    "set lb monitor": _monitor,
    "bind lb monitor": _bind_monitor,
    "add lb vserver": partial(_virtual, kind="lb"),
    "add cs vserver": partial(_virtual, kind="cs"),
    "add vpn vserver": partial(_virtual, kind="vpn"),
    "add authentication vserver": partial(_virtual, kind="authentication"),
    "bind lb vserver": _bind_virtual,
    "bind cs vserver": _bind_virtual,
    "add cs action": _lead,
    "add cs policy": _lead,
}
"""Command in lower case -> what it adds to the configuration."""
