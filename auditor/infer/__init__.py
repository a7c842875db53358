"""What hosts seem to be, judged by their traffic: proposals that a person can correct."""

from __future__ import annotations

from auditor.infer.propose import Proposal

__all__ = ["Proposal"]
