"""The command line: parse, call, show. Nothing else may import this package."""

from .app import main

__all__ = ["main"]
