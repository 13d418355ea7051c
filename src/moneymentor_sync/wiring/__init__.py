"""Puts the parts together: the only place that knows every adapter. Decides nothing."""

from .engine import Spreadsheets, choose, open_engine, real_surroundings

__all__ = ["Spreadsheets", "choose", "open_engine", "real_surroundings"]
