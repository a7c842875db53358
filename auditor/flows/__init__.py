"""From packets to conversations: facts about pairs of endpoints, and their first payload."""

from auditor.flows.table import Flows, FlowTable

__all__ = ["FlowTable", "Flows"]
