"""What of HTTP/1.1 the channel takes: h11, and the limits and refusals that h11 leaves to its user.

Without I/O, as h11 is: bytes in, events out, RemoteProtocolError for what is refused.
"""

from __future__ import annotations

import h11

from .limits import Limits

Received = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]

_CODES = {413: "too_large", 431: "head_too_large"}


class Framing(h11.Connection):
    """The server's side of one connection. `refusal` is (code, message) of what was refused, for the answer."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._limits = limits
        self._body_bytes = 0
        self.refusal = ("bad_request", "this is not a valid HTTP/1.1 request")

    @property
    def has_unread(self) -> bool:
        """Whether bytes of a request have come that is not complete yet, or not begun to be read."""
        return bool(self.trailing_data[0])

    def next_event(self) -> Received:
        """As h11 has it. Raises RemoteProtocolError also for a head or body above the limits, and for a body
        whose length is said in two ways."""
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                self._check_head(event)
            elif isinstance(event, h11.Data):
                self._body_bytes += len(event.data)
                self._check_body(self._body_bytes)
        except h11.RemoteProtocolError as error:
            code = _CODES.get(error.error_status_hint, "bad_request")
            self.refusal = (code, f"the request is refused: {error}")
            raise
        return event

    def _check_head(self, request: h11.Request) -> None:
        # h11 itself limits a head only while it is incomplete: one that comes in a single piece may be larger.
        size = len(request.method) + len(request.target) + sum(len(n) + len(v) + 4 for n, v in request.headers)
        if size > self._limits.head_bytes:
            raise h11.RemoteProtocolError(
                f"its head is larger than {self._limits.head_bytes} bytes", error_status_hint=431
            )
        if request.http_version not in (b"1.1", b"1.0"):  # h11 takes any
            raise h11.RemoteProtocolError("its version of HTTP is not 1.1")
        fields = dict(request.headers)
        # h11 lets the encoding win. Two programs that disagree on where a request ends is how requests are
        # smuggled, and RFC 9112, section 6.3, lets a server refuse it.
        if b"transfer-encoding" in fields and b"content-length" in fields:
            raise h11.RemoteProtocolError("it has both Content-Length and Transfer-Encoding")
        self._body_bytes = 0
        self._check_body(int(fields.get(b"content-length", 0)))

    def _check_body(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise h11.RemoteProtocolError(
                f"its body is larger than {self._limits.body_bytes} bytes", error_status_hint=413
            )
