"""Judges the sandbox by recorded traffic: `python -m moneymentor_sync.sandbox.replay DIR [--json] [--verbose]`.

Each recording (VCR's JSON: `interactions[].request` and `.response`) is sent in order to a fresh, empty
sandbox, in process and as one service account, and every answer is compared: status and whole body. What
cannot be the same by nature is not compared by value, and nothing else is let off (see `comparison`):

- ids and addresses that the server gives out: mapped one to one, and from then on they must fit;
- moments (`createdTime`, `modifiedTime`): must be moments;
- the colours of the default theme: must be colours;
- the query of `spreadsheetUrl` (the account's number at Google).

A file that a recording reads without having made it existed before. Its answer tells: with 403 it belongs to
somebody else, with 404 it never was.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .accounts import PROJECT, Accounts
from .batch.context import MAX_CELLS
from .comparison import Mapping, difference
from .errors import ApiError
from .library import Library
from .messages import Request, Response
from .quota import Meter
from .service import Service

CALLER = f"replay@{PROJECT}.iam.gserviceaccount.com"
_STRANGER = "stranger@sandbox.example"
_ROOT = re.compile(r"https://(?:sheets|www)\.googleapis\.com")
_FILE_ID = re.compile(r"/(?:spreadsheets|files)/([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One interaction: whether the answers agree and, where not, why."""

    recording: str
    number: int
    method: str
    target: str
    agrees: bool
    supported: bool
    reason: str = ""


@dataclass(slots=True)
class Summary:
    """All interactions of all recordings."""

    outcomes: list[Outcome] = field(default_factory=list)
    recordings: int = 0

    @property
    def supported(self) -> list[Outcome]:
        return [item for item in self.outcomes if item.supported]

    @property
    def agreeing(self) -> int:
        return sum(item.agrees for item in self.outcomes)

    def shares(self) -> dict[str, float]:
        """Per cent that agree, of all and of those whose method the sandbox has."""
        return {
            "of_all": _percent(self.agreeing, len(self.outcomes)),
            "of_supported": _percent(self.agreeing, len(self.supported)),
        }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 100.0


def replay(directory: Path) -> Summary:
    """Replays every `*.json` of a directory."""
    summary = Summary()
    for path in sorted(directory.glob("*.json")):
        interactions = json.loads(path.read_text(encoding="utf-8"))["interactions"]
        summary.recordings += 1
        summary.outcomes.extend(replay_one(path.stem, interactions))
    return summary


def replay_one(name: str, interactions: Sequence[dict[str, Any]]) -> Iterator[Outcome]:
    """Replays one recording against a fresh sandbox."""
    with TemporaryDirectory() as directory:
        player = _Player(Path(directory))
        for number, interaction in enumerate(interactions):
            yield player.play(name, number, interaction)


class _Player:
    def __init__(self, directory: Path) -> None:
        self._now = 0.0
        accounts = Accounts(directory, self._clock)
        self._service = Service(
            Library(),
            accounts,
            Meter(None, self._clock),
            clock=self._clock,
            pause=lambda seconds: None,  # noqa: ARG005 - nothing waits in a replay
            max_cells=MAX_CELLS,
            journal=None,
        )
        self._mapping = Mapping()
        self._mapping.bind_address(CALLER)

    def _clock(self) -> float:
        return self._now

    def play(self, name: str, number: int, interaction: dict[str, Any]) -> Outcome:
        recorded, expected = interaction["request"], interaction["response"]
        self._now = _moment(expected, self._now + 1)
        target = _ROOT.sub("", recorded["uri"])
        shown = f"{recorded['method']} {target}"
        if target == recorded["uri"]:
            return Outcome(name, number, recorded["method"], shown, False, False, "not an API of the sandbox")
        self._suppose(target, int(expected["status"]["code"]))
        answer = self._send(recorded, target)
        supported = answer.status != 501
        reason = self._compare(expected, answer)
        return Outcome(name, number, recorded["method"], shown, not reason, supported, reason)

    def _suppose(self, target: str, status: int) -> None:
        """Makes somebody else's file where a recording met one."""
        match = _FILE_ID.search(target)
        if match and status == 403 and not self._mapping.knows(match[1]):
            document = self._service.library.new_document("Private", _STRANGER, self._now)
            self._mapping.bind(match[1], document.document_id)

    def _send(self, recorded: dict[str, Any], target: str) -> Response:
        body = self._mapping.to_ours_in_body(recorded.get("body"))
        headers = {key.lower(): values[0] for key, values in recorded.get("headers", {}).items()}
        request = Request.of(recorded["method"], self._mapping.to_ours_in_target(target), headers, body)
        try:
            return self._service.perform(request, CALLER)
        except ApiError as error:
            return Response.refusal(error)

    def _compare(self, expected: dict[str, Any], answer: Response) -> str:
        status = int(expected["status"]["code"])
        if status != answer.status:
            return f"status {answer.status} for {status}: {_short(answer.body)}"
        text = expected["body"].get("string", "")
        if isinstance(text, bytes):
            text = text.decode()
        ours = answer.body.decode()
        try:
            recorded_json, our_json = json.loads(text), json.loads(ours)
        except ValueError:
            return "" if text == ours else f"body: {_short(text)} recorded, {_short(ours)} given"
        return difference(recorded_json, our_json, self._mapping)


def _short(value: str | bytes) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    text = " ".join(text.split())
    return text if len(text) < 300 else f"{text[:297]}..."


def _moment(response: dict[str, Any], default: float) -> float:
    dates = response.get("headers", {}).get("Date")
    return parsedate_to_datetime(dates[0]).timestamp() if dates else default


# --- the command ------------------------------------------------------------------------------------------


def report(summary: Summary, *, verbose: bool) -> str:
    """The result as text: the shares first, then what does not agree."""
    shares = summary.shares()
    lines = [
        f"{summary.recordings} recordings, {len(summary.outcomes)} interactions",
        f"agree: {summary.agreeing} = {shares['of_all']} % of all, {shares['of_supported']} % of supported",
        f"supported: {len(summary.supported)} interactions call what the sandbox has",
    ]
    for item in summary.outcomes:
        if not item.agrees or verbose:
            mark = "agrees" if item.agrees else "differs" if item.supported else "not supported"
            lines.append(f"{item.recording}[{item.number}] {mark}: {item.target}")
            if item.reason:
                lines.append(f"    {item.reason}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report. 0 where 95 % or more of the supported agree, else 1; 2 without recordings."""
    parser = argparse.ArgumentParser(prog="moneymentor_sync.sandbox.replay", description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path, help="a folder of recordings")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--verbose", action="store_true", help="also list what agrees")
    given = parser.parse_args(arguments)
    summary = replay(given.directory)
    if not summary.recordings:
        parser.error(f"no recordings (*.json) in {given.directory}")
    if given.json:
        body = {
            "recordings": summary.recordings,
            "interactions": len(summary.outcomes),
            "supported": len(summary.supported),
            "agreeing": summary.agreeing,
            "percent": summary.shares(),
            "outcomes": [asdict(item) for item in summary.outcomes if given.verbose or not item.agrees],
        }
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
    else:
        sys.stdout.write(report(summary, verbose=given.verbose) + "\n")
    return 0 if summary.shares()["of_supported"] >= 95 else 1


if __name__ == "__main__":
    raise SystemExit(main())
