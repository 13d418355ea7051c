"""`mmsync plan`: what a sync would change, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .app import ConfigOption, DatasetsArgument, JsonOption, RemoveUnmatchedOption, VerboseOption, command
from .console import err, out, print_json
from .progress import progress

if TYPE_CHECKING:
    from moneymentor_sync.sync import PlanOutcome

SOMETHING_TO_DO = 2


@command("plan")
def plan(
    datasets: DatasetsArgument = None,
    force: Annotated[
        bool, typer.Option("--force", help="What `sync --force` would do, a guard's refusal aside.")
    ] = False,
    remove_unmatched: RemoveUnmatchedOption = False,
    as_json: JsonOption = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every change, and every value whole; else the first of each kind.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 2 if there is something to do.")
    ] = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Show what a sync would change, cell by cell, old → new. Changes nothing.

    First what would change in all, then each tab: `~` rows with the cells that differ, `+` new rows, `-` rows that
    go. Of each kind the first few are shown; with --all every one. --json has every cell for programs.

    Exit code 0, or 1 when a dataset would be refused; with --exit-code 2 when there is something to do.
    """
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.wiring import choose, open_engine

    settings = load_config(config)
    chosen = choose(settings, datasets or [])
    with (
        progress(wanted=not verbose) as tick,
        open_engine(settings, holder="mmsync plan", tick=tick, only_plan=True) as engine,
    ):
        outcomes = engine.plan(chosen, allow_deletes=force, remove_unmatched=remove_unmatched)
    if as_json:
        from .plan_json import plans_as_json

        print_json(plans_as_json(outcomes))
    else:
        _show(outcomes, everything=everything)
    raise typer.Exit(_exit_code(outcomes, asked=exit_code))


def _show(outcomes: list[PlanOutcome], *, everything: bool) -> None:
    """Plans on stdout, and on stderr why a dataset would be refused."""
    from .plan_display import plan_lines, refusal, summary

    console = out()
    total = summary(outcomes)
    if total is not None:
        console.print(total)
    for number, outcome in enumerate(outcomes):
        if total is not None or number:
            console.print()
        if outcome.error is not None:
            for line in refusal(outcome.dataset.name, outcome.error):
                err().print(line)
        elif outcome.plan is not None:
            for line in plan_lines(outcome.plan, console.width, everything=everything, notes=outcome.notes):
                console.print(line, soft_wrap=everything)


def _exit_code(outcomes: list[PlanOutcome], *, asked: bool) -> int:
    if any(outcome.error is not None for outcome in outcomes):
        return 1
    to_do = any(outcome.plan is not None and not outcome.plan.is_empty for outcome in outcomes)
    return SOMETHING_TO_DO if asked and to_do else 0
