"""The control channel: HTTP/1.1 on a Unix socket, and its client. Knows what may be asked, not how it is done."""
