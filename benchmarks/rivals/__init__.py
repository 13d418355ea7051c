"""Other ways to put a table into a spreadsheet, each as its own documentation shows it, in its own process."""

from .course import SLOW, TO_BEAT, UNLIKE, Put, PutTable, available

__all__ = ["SLOW", "TO_BEAT", "UNLIKE", "Put", "PutTable", "available"]
