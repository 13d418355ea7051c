"""Where a test or a demo takes part in what the sandbox does: between requests, and at each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .document import Document
from .messages import Request

Hook = Callable[[Request], None]
Witness = Callable[[Request, str, Mapping[str, Document]], None]


@dataclass(slots=True)
class Hooks:
    """Called around requests: the place for a person's edit between two of them, and for whoever looks on.

    All are called outside of every lock but `on_change`, which holds up everybody else: no state comes and goes
    without it.
    """

    _on_arrival: list[Hook] = field(default_factory=list)
    _before_read: list[Hook] = field(default_factory=list)
    _before_write: list[Hook] = field(default_factory=list)
    _after_read: list[Hook] = field(default_factory=list)
    _on_change: list[Witness] = field(default_factory=list)

    def on_arrival(self, hook: Hook) -> None:
        """Calls `hook(request)` as soon as a request is there, one for a token too, before any fault befalls it."""
        self._on_arrival.append(hook)

    def before_read(self, hook: Hook) -> None:
        """Calls `hook(request)` before each reading request is answered."""
        self._before_read.append(hook)

    def before_write(self, hook: Hook) -> None:
        """Calls `hook(request)` before each writing request is carried out."""
        self._before_write.append(hook)

    def after_read(self, hook: Hook) -> None:
        """Calls `hook(request)` after each reading request was answered, before its answer goes out."""
        self._after_read.append(hook)

    def on_change(self, witness: Witness) -> None:
        """Calls `witness(request, caller, before)` for each change, anybody's, when it is done and before anybody
        else can change something: `before` are the documents as they were. It must not change anything."""
        self._on_change.append(witness)

    def clear(self) -> None:
        for hooks in (self._on_arrival, self._before_read, self._before_write, self._after_read):
            hooks.clear()
        self._on_change.clear()

    # --- for the service --------------------------------------------------------------------------------------

    def arrived(self, request: Request) -> None:
        _call(self._on_arrival, request)

    def before(self, request: Request, kind: str) -> None:
        _call({"write": self._before_write, "read": self._before_read}.get(kind, []), request)

    def after(self, request: Request, kind: str) -> None:
        _call(self._after_read if kind == "read" else [], request)

    def changed(self, request: Request, caller: str, before: Mapping[str, Document]) -> None:
        for witness in list(self._on_change):
            witness(request, caller, before)


def _call(hooks: list[Hook], request: Request) -> None:
    for hook in list(hooks):  # one may take itself off the list
        hook(request)
