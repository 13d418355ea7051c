"""The real command, many times and quickly: a process that has imported everything forks one for each call.

What runs in the fork is `moneymentor_sync.cli.main` with its arguments, as a process of its own, which the kernel
kills like any other. Requests and answers are lines of JSON on stdin and stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any


class ForkServer:
    """`body_bytes` makes the bodies of large writes so small that a few rows take several."""

    def __init__(self, *, body_bytes: int | None = None) -> None:
        command = [sys.executable, "-m", "tests.fork_server", *([str(body_bytes)] if body_bytes else [])]
        root = Path(__file__).parent.parent
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, arguments: list[str], log: Path) -> int:
        """Starts `mmsync` with those arguments; its process number. What it says is appended to `log`."""
        return int(self._ask({"arguments": arguments, "log": str(log)}))

    def wait(self, pid: int) -> int:
        """Waits for its end: the exit code, or the signal's number, negative."""
        return int(self._ask({"wait": pid}))

    def run(self, arguments: list[str], log: Path) -> int:
        return self.wait(self.start(arguments, log))

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the fork server has died"
        return json.loads(answer)

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def _child(arguments: list[str], log: str) -> None:
    from moneymentor_sync.cli import main

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(descriptor, target)
    sys.argv = ["mmsync", *arguments]
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def serve() -> None:
    """Until stdin ends; children that are left are then ended, too."""
    import moneymentor_sync.adapters.google_client  # so that no fork has to import what takes long
    import moneymentor_sync.cli.run_command
    import moneymentor_sync.cli.sync_command
    import moneymentor_sync.wiring.daemon  # noqa: F401
    from moneymentor_sync.adapters import google_sheets, google_staging

    if len(sys.argv) > 1:
        for module in (google_sheets, google_staging):
            vars(module)["BODY_BYTES"] = int(sys.argv[1])
    running: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            _, status = os.waitpid(question["wait"], 0)
            running.discard(question["wait"])
            answer = os.waitstatus_to_exitcode(status)
        else:
            sys.stdout.flush()
            answer = os.fork()
            if not answer:
                _child(question["arguments"], question["log"])
            running.add(answer)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in running:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    serve()
