"""The command line: parse, call, show. Nothing else may import this package."""

from .entry import main

__all__ = ["main"]
