"""From packets to conversations: facts about pairs of endpoints, and their first payload."""

from auditor.flows.result import Flows
from auditor.flows.table import FlowTable

__all__ = ["FlowTable", "Flows"]
