"""A real browser for tests: Chromium without a window, steered over the W3C WebDriver protocol.

Only what the tests of the sandbox's page need, on the standard library. There is no sleeping in here: whatever
has to become true is waited for inside the browser, and the browser's own script time-out ends a wait.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # as root there is no other way
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ENTER, ESCAPE, HOME, DOWN, RIGHT, CONTROL = "\ue007", "\ue00c", "\ue011", "\ue015", "\ue014", "\ue009"
"""Keys that are no letters, as WebDriver writes them."""
_PATIENCE_SECONDS = 20
_WAIT = """
const [condition, values, done] = arguments;
const check = new Function("...values", condition);
(function look() {
  let found = null;
  try { found = check(...values); } catch (error) { if (!(error instanceof TypeError)) throw error; }
  if (found) done(found); else setTimeout(look, 20);
})();
"""


def missing() -> str | None:
    """The program that is not installed; None where both are."""
    return next((name for name in ("chromium", "chromedriver") if shutil.which(name) is None), None)


class Browser:
    """One window."""

    def __init__(self, port: int, profile: Path, size: tuple[int, int]) -> None:
        # A command may take as long as the browser waits in it, and a little more.
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS * 3)
        options = {
            "args": [*ARGUMENTS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"],
            "binary": shutil.which("chromium"),
        }
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": _PATIENCE_SECONDS * 1000},
        }
        made = self._command("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"

    def close(self) -> None:
        self._command("DELETE", self._session)
        self._connection.close()

    def _command(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        value = json.loads(self._connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{value['error']}: {value['message']}")
        return value

    def _do(self, path: str, body: dict[str, Any]) -> Any:
        return self._command("POST", self._session + path, body)

    # --- looking ----------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        self._do("/url", {"url": url})

    def reload(self) -> None:
        self._do("/refresh", {})

    def run(self, script: str, *values: Any) -> Any:
        """Runs a script in the page; gives what it returns. `arguments` are the values."""
        return self._do("/execute/sync", {"script": script, "args": list(values)})

    def run_async(self, script: str, *values: Any) -> Any:
        """Like `run`, for a script that calls its last argument with the result."""
        return self._do("/execute/async", {"script": script, "args": list(values)})

    def wait(self, condition: str, *values: Any) -> Any:
        """Waits until the body of a function of `values` returns something true, and gives that.

        A TypeError in it (something is not there yet) counts as not true. Raises AssertionError when the
        browser's script time-out is over.
        """
        try:
            return self._do("/execute/async", {"script": _WAIT, "args": [condition, list(values)]})
        except AssertionError as error:
            raise AssertionError(f"did not become true: {condition} {values}\n{error}") from error

    def console(self) -> list[str]:
        """Errors and warnings since the last call, but for answers that were refusals: exceptions, policies."""
        found = self._do("/se/log", {"type": "browser"})
        bad = [entry for entry in found if entry["level"] in ("SEVERE", "WARNING")]
        return [entry["message"] for entry in bad if entry["source"] != "network"]

    def devtools(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol: for what WebDriver has no words for."""
        return self._do("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._command("GET", f"{self._session}/screenshot")))

    # --- doing ------------------------------------------------------------------------------------------

    def keys(self, *keys: str, holding: Sequence[str] = ()) -> None:
        """Presses keys one after the other; a longer text is typed."""
        held = [{"type": "keyDown", "value": key} for key in holding]
        pressed = [{"type": kind, "value": key} for text in keys for key in text for kind in ("keyDown", "keyUp")]
        let_go = [{"type": "keyUp", "value": key} for key in holding]
        self._act({"type": "key", "id": "keys", "actions": [*held, *pressed, *let_go]})

    def hover(self, selector: str) -> None:
        self._act(self._pointer(self._middle(selector)))

    def click(self, selector: str, times: int = 1) -> None:
        """Clicks into the middle of what the selector finds, wherever that is in view."""
        button = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act(self._pointer(self._middle(selector), *button * times))

    def _middle(self, selector: str) -> dict[str, Any]:
        where = self.wait(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return box.width && [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];",
            selector,
        )
        return {"type": "pointerMove", "duration": 0, "x": where[0], "y": where[1]}

    @staticmethod
    def _pointer(*actions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": list(actions)}

    def _act(self, source: dict[str, Any]) -> None:
        self._do("/actions", {"actions": [source]})


@contextmanager
def browser(profile: Path, *, size: tuple[int, int] = (1280, 800)) -> Iterator[Browser]:
    """Starts chromedriver and a window with a fresh profile in that directory; ends both."""
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            window = Browser(_port(driver), profile, size)
            try:
                yield window
            finally:
                window.close()
        finally:
            driver.terminate()


def _port(driver: subprocess.Popen[str]) -> int:
    """The port that chromedriver took: it says so in its first lines."""
    for line in driver.stdout or ():
        found = re.search(r"started successfully on port (\d+)", line)
        if found:
            return int(found[1])
    raise AssertionError("chromedriver ended before it was ready")
