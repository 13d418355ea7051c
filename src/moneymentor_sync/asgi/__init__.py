"""For an ASGI application beside the daemon: its requests go first, it can ask the daemon, and tell it of changes.

Plain ASGI, for any framework on asyncio. Nothing here can delay, change or fail a request.
"""

from .endpoints import sync_endpoints
from .notices import notify
from .priority import RequestPriorityMiddleware

__all__ = ["RequestPriorityMiddleware", "notify", "sync_endpoints"]
