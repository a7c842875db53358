"""`ns.conf`, the configuration of a Citrix ADC: the appliance, its peers, its back ends."""

from __future__ import annotations

from auditor.site.importers.netscaler.reader import read_netscaler

__all__ = ["read_netscaler"]
