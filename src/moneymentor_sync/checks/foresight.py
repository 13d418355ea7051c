"""A tab that something else filled: what the first sync would do with its rows, told before it does it.

The engine itself plans it, so that what is told is what will happen; the deciding half here is pure.
"""

from __future__ import annotations

from collections.abc import Callable

from moneymentor_sync.core.errors import KeyDamagedError, UnknownRowsError
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import Tick
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.take_over import TakeOver, in_words, remedy
from moneymentor_sync.sync import PlanOutcome
from moneymentor_sync.wiring import open_engine

from .result import Check, counted, failed, refused, warning

_ANOTHER = "Or rename the tab, which keeps it as it is: the first sync then makes a new one."

Foresee = Callable[[Dataset], PlanOutcome]


def foresight(config: Config, tick: Tick) -> Foresee:
    """Plans one dataset as a first sync would. Reads the database and the tab; makes no file that stays."""

    def foresee(dataset: Dataset) -> PlanOutcome:
        with open_engine(config, holder="mmsync check", tick=tick, only_plan=True, as_first=True) as engine:
            return engine.plan([dataset])[0]

    return foresee


def first_sync_check(name: str, title: str, outcome: PlanOutcome) -> Check | None:
    """What will become of the rows that are there; None where all of them have their keys already."""
    plan, error = outcome.plan, outcome.error
    if isinstance(error, KeyDamagedError) and error.taken_over is not None:
        return _puzzled(name, title, error.taken_over)
    if isinstance(error, UnknownRowsError):
        found = refused(name, error)
        return failed(name, found.message, f"{found.hint} {_ANOTHER}")
    if error is not None:
        return refused(name, error)
    if plan is None or plan.taken_over is None:
        return None
    lines = [f"{title} was filled by something else. The first sync:", *_frame(plan), *in_words(plan.taken_over)]
    if plan.inserts:
        lines.append(f"of the database's rows not there yet, added: {len(plan.inserts):,}")
    hint = (
        f"`mmsync plan {outcome.dataset.name}` shows it cell by cell. Copy the spreadsheet first "
        "(menu File, “Make a copy”)."
    )
    found = warning(name, "\n".join(_listed(lines)), hint)
    return Check(found.name, found.status, found.message, found.hint, plan.taken_over)


def _puzzled(name: str, title: str, taken: TakeOver) -> Check:
    lines = [f"{title} was filled by something else. A sync would be refused:", *in_words(taken)]
    hint = remedy(taken) if taken.by else f"{remedy(taken)} {_ANOTHER}"
    found = failed(name, "\n".join(_listed(lines)), hint)
    return Check(found.name, found.status, found.message, found.hint, taken)


def _frame(plan: Plan) -> list[str]:
    columns = [plan.shape.columns[i] for i in plan.layout.missing]
    hidden = [column.header for column in columns if column.hidden]
    shown = [column.header for column in columns if not column.hidden]
    lines = [f"adds the {_columns(hidden)}, hidden"] if hidden else []
    return lines + ([f"adds the {_columns(shown)}"] if shown else [])


def _columns(headers: list[str]) -> str:
    return f"{'column' if len(headers) == 1 else counted(len(headers), 'column')} {', '.join(headers)}"


def _listed(lines: list[str]) -> list[str]:
    return [lines[0], *(f"· {line}" for line in lines[1:])]
