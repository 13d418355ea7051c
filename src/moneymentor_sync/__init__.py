"""moneymentor-sync: keeps Google Sheets equal to a database."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .embedded import BackgroundSyncService, SyncConfig

__version__ = "0.1.0"
__all__ = ["BackgroundSyncService", "SyncConfig", "__version__"]


def __getattr__(name: str) -> object:
    # Loaded when asked for: every command starts with this module, and few need the service.
    if name in ("BackgroundSyncService", "SyncConfig"):
        from . import embedded

        return getattr(embedded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
