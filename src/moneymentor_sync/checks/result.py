"""What a check found, and how checks follow from one another. Values and order only: nothing is looked at here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from moneymentor_sync.core.errors import ConfigError, MmsyncError
from moneymentor_sync.core.take_over import TakeOver

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: what was found, and what to do about it.

    `name` is stable and says what it concerns after a colon (`query: user_profiles`). `message` and `hint` are
    for people, and hold neither a secret nor the value of a row; only a `message` may have several lines.
    """

    name: str
    status: Status
    message: str
    hint: str = ""
    takes_over: TakeOver | None = None
    """What a first sync would do with rows that something else wrote, where a check is about that."""


def counted(count: int, noun: str) -> str:
    """`1 row`, `3,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def ok(name: str, message: str) -> Check:
    return Check(name, "ok", message)


def warning(name: str, message: str, hint: str) -> Check:
    """Syncs work, or may: a person should know."""
    return Check(name, "warning", message, hint)


def failed(name: str, message: str, hint: str) -> Check:
    """No sync will work before this is mended."""
    return Check(name, "failed", message, hint)


def skipped(name: str, reason: str) -> Check:
    return Check(name, "skipped", reason)


def refused(name: str, error: MmsyncError) -> Check:
    """An error of ours as a failed check; the values that some errors carry for the terminal are left out."""
    message = str(error)
    if isinstance(error, ConfigError):
        message = "\n".join(error.problems)
    return failed(name, message, error.hint)


def all_well(checks: Iterable[Check]) -> bool:
    """Whether nothing failed; warnings are no failure."""
    return all(check.status != "failed" for check in checks)


@dataclass(frozen=True, slots=True)
class Step:
    """A check to make: it makes no sense where one of `needs` (names of earlier steps) did not succeed."""

    name: str
    make: Callable[[], Check]
    needs: tuple[str, ...] = ()


@dataclass(slots=True)
class Sequence:
    """Makes steps in order and remembers how they went, so that later ones know what they can build on."""

    _broken: dict[str, str] = field(default_factory=dict)
    """Names of what failed or was skipped -> the name of the failed step that is the reason."""

    def run(self, steps: Iterable[Step]) -> Iterator[Check]:
        for step in steps:
            check = self._make(step)
            if check.status == "failed":
                self._broken[step.name] = step.name
            elif check.status == "skipped":
                self._broken.setdefault(step.name, self._reason(step) or step.name)
            yield check

    def _make(self, step: Step) -> Check:
        reason = self._reason(step)
        if reason is not None:
            return skipped(step.name, f"not tried, since “{reason}” failed")
        try:
            return step.make()
        except MmsyncError as error:
            return refused(step.name, error)

    def _reason(self, step: Step) -> str | None:
        return next((self._broken[need] for need in step.needs if need in self._broken), None)
