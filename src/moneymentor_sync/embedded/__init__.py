"""The sync inside another program's process, for those who cannot run the daemon beside it.

The same engine, state, guards and health as the daemon's, led by a thread instead of signals and a socket. The
daemon is the better way: a process that shares its interpreter with a sync shares the sync's CPU time.
"""

from .service import BackgroundSyncService
from .settings import SyncConfig

__all__ = ["BackgroundSyncService", "SyncConfig"]
