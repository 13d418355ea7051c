"""In the place of `mmsync run` while there is none: syncs once, answers on the socket, and talks to systemd.

Called as `stand_in.py run --config FILE`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.adapters.log_events import event_log
from moneymentor_sync.adapters.systemd_notify import Notifier, watchdog_seconds
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.wiring import choose, open_engine


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main(path: Path) -> int:
    faulthandler.enable()
    try:
        config = load_config(path)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    log = event_log(config.log)
    current = [config]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"is_running": True, "config": {"interval_seconds": current[0].sync.interval_seconds}}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing is to be said of a request."""

    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with Server(str(config.socket_path), Handler) as server:
        config.socket_path.chmod(0o660)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        notifier = Notifier(os.environ)
        notifier.ready("Up")
        with open_engine(config, holder="mmsync run", emit=log.info) as engine:
            engine.run(choose(config, ()), trigger="start")
        wait = watchdog_seconds(os.environ, os.getpid()) or 60.0
        while (got := signal.sigtimedwait(signals, wait / 4)) is None or got.si_signo == signal.SIGHUP:
            notifier.watchdog()
            if got is not None:
                notifier.reloading()
                try:
                    current[0] = load_config(path)
                except ConfigError as error:
                    log.error("reload.refused", problems=error.problems)
                notifier.ready("Up")
        notifier.stopping()
        server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[3])))
