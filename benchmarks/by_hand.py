"""APScheduler without its threads, for simulated time: it looks at its jobs, and calls them, when it is told."""

from __future__ import annotations

from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.base import BaseScheduler


class Manual(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """APScheduler that looks at its jobs when it is told."""

    def wakeup(self) -> None:
        """There is no thread to wake."""

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)


class Deferred(BaseExecutor):  # type: ignore[misc]
    """Calls when it is told, outside of APScheduler's locks."""

    def __init__(self) -> None:
        super().__init__()
        self._given: list[tuple[Any, Any]] = []

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self._given.append((job, run_times))

    def work(self) -> None:
        given, self._given = self._given, []
        for job, run_times in given:
            self._run_job_success(job.id, run_job(job, job._jobstore_alias, run_times, self._logger.name))
