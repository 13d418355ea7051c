"""A local stand-in of the Google Sheets API v4, the Drive API v3 and the OAuth token endpoint.

For trying the product without an account, for its tests and benchmarks. The product never imports it, but
for the commands that start it.
"""

from __future__ import annotations

from .cells import CellError, Formula
from .errors import ApiError
from .faults import Fault
from .journal import DirectoryInUseError
from .quota import Quota
from .sandbox import Sandbox
from .serving import serve

__all__ = [
    "ApiError",
    "CellError",
    "DirectoryInUseError",
    "Fault",
    "Formula",
    "Quota",
    "Sandbox",
    "serve",
]
