"""A process that asks for calls, for test_budget: told by a JSON argument, begins at a line on stdin."""

from __future__ import annotations

import json
import sys
import time

from moneymentor_sync.adapters.cluster_budget import ClusterBuckets
from moneymentor_sync.core.budget import Account, Limits, Pool, SharedBudget


def main() -> None:
    told = json.loads(sys.argv[1])
    pool = Pool((Account("a@p", "p"),), Limits(99, told["limit"]), told["window"])
    buckets = ClusterBuckets(told["url"], "test", pool)
    buckets.used()

    def sleep(seconds: float) -> None:
        if told.get("loud"):
            print("waiting", flush=True)  # noqa: T201 - whoever started it reads this
        time.sleep(seconds)

    budget = SharedBudget(buckets, sleep, time.monotonic)
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    got = []
    for _ in range(told["calls"]):
        budget.admit("write", told["spreadsheet"])
        got.append(time.monotonic())
    print(json.dumps(got), flush=True)  # noqa: T201


main()
