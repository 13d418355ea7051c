"""One sync: gather, decide, apply, record. Knows the ports and the core, and no library of the edges."""

from .engine import Edges, Engine, PlanOutcome, Surroundings

__all__ = ["Edges", "Engine", "PlanOutcome", "Surroundings"]
