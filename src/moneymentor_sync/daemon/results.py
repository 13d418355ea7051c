"""A run as the control channel gives it to whoever waited for it, for the datasets that they asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import asdict
from typing import Any

from moneymentor_sync.core.ports import RunResult


def run_document(run: RunResult, asked: Collection[str] | None = None) -> dict[str, Any]:
    """`{"run_id", "ok", "seconds", "error", "datasets"}`; `asked` None means all of the run's datasets."""
    results = [one for one in run.datasets if asked is None or one.dataset in asked]
    missing = sorted({*(asked or ())} - {one.dataset for one in results})
    bad = [f"{one.dataset}: {one.error}" for one in results if one.result not in ("synced", "unchanged")]
    bad += [f"{name}: it was not synced, since it is no longer configured" for name in missing]
    return {
        "run_id": run.run_id,
        "ok": not bad,
        "seconds": round(run.seconds, 3),
        "error": bad[0] if bad else None,
        "datasets": [
            {"name": one.dataset} | {k: v for k, v in asdict(one).items() if k not in ("dataset", "details")}
            for one in results
        ],
    }


def merged(run_id: str, answers: Sequence[dict[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    """One document of several members' runs, under one id; its datasets in this order."""
    place = {name: number for number, name in enumerate(order)}
    found = [result for one in answers for result in one["datasets"]]
    results = sorted(found, key=lambda one: place.get(one["name"], len(place)))
    bad = [f"{one['name']}: {one['error']}" for one in results if one["result"] not in ("synced", "unchanged")]
    bad += [str(one["error"]) for one in answers if one.get("refused")]
    return {
        "run_id": run_id,
        "ok": not bad,
        "seconds": max((one["seconds"] for one in answers), default=0.0),
        "error": bad[0] if bad else None,
        "datasets": results,
    }


def refused(names: Collection[str], why: str) -> dict[str, Any]:
    """The document where nothing was tried."""
    first = min(names, default="")
    return {
        "run_id": "", "ok": False, "seconds": 0.0, "error": f"{first}: {why}", "datasets": [], "refused": True,
    }  # fmt: skip


def document_when_done(done: Future[RunResult], asked: Collection[str]) -> Future[dict[str, Any]]:
    """The document of a run that is still to end; cancelled where the run is."""
    answer: Future[dict[str, Any]] = Future()

    def hand_on(ended: Future[RunResult]) -> None:
        try:
            answer.set_result(run_document(ended.result(), asked))
        except CancelledError:
            answer.cancel()

    done.add_done_callback(hand_on)
    return answer
