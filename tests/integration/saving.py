"""What tests of backups share: saving and restoring at the workbench, and a tab whole, as the stand-in has it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moneymentor_sync.core.backups import Made, Reason
from moneymentor_sync.core.restoring import RestorePlan
from moneymentor_sync.core.settings import BackupSettings, Config
from moneymentor_sync.sandbox.grid import Sheet
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring.backup import make_backup
from moneymentor_sync.wiring.kept_backups import open_backups
from moneymentor_sync.wiring.restore import carry_out, open_restore

from .workbench import Workbench


def whole(bench: Workbench, tab: str) -> dict[str, Any]:
    """Everything that the stand-in keeps of a tab, but for its name, its place and its id."""
    sheet = next(one for one in bench.box.document(bench.spreadsheet).sheets if one.title == tab)
    extras = sheet.extras
    return {
        "size": (
            sheet.row_count,
            sheet.column_count,
            sheet.frozen_rows,
            sheet.frozen_columns,
            sheet.hide_gridlines,
        ),
        "cells": _cells(sheet),
        "rows": {i: row.props for i, row in enumerate(sheet.rows) if row is not None and row.props},
        "columns": {i: props for i, props in enumerate(sheet.columns) if props},
        "merges": sorted(extras.merges, key=repr),
        "filter": extras.basic_filter,
        "views": extras.filter_views,
        "banded": extras.banded,
        "rules": [(one.areas, one.body) for one in extras.conditional],
    }


def _cells(sheet: Sheet) -> dict[tuple[int, int], tuple[Any, ...]]:
    """Of each cell that has anything: its value with its type, format, validation rule, text runs, note."""
    found: dict[tuple[int, int], tuple[Any, ...]] = {}
    for index, row in sheet.filled_rows(sheet.box):
        for column in range(sheet.column_count):
            value = sheet.value(index, column)
            style = sheet.style(index, column)
            looks = (style.format, style.validation, style.extra) if style else (None, None, None)
            note = (row.notes or {}).get(column)
            kind = "number" if type(value) in (int, float) else type(value).__name__
            if value is not None or style is not None or note is not None:
                found[index, column] = (kind, value, *looks, note)
    return found


@dataclass(frozen=True)
class Desk:
    """Where backups are made and restored for one workbench."""

    bench: Workbench
    settings: BackupSettings = field(default_factory=BackupSettings)

    @property
    def directory(self) -> Path:
        return self.bench.directory / "backups"

    @property
    def config(self) -> Config:
        return replace(self.bench.config, backup=replace(self.settings, directory=self.directory))

    @property
    def around(self) -> Surroundings:
        clock = self.bench.clock
        return Surroundings(clock, clock, clock.sleep, self.bench.chance)

    def save(self, reason: Reason = "hand") -> Made:
        self.bench.box.log.reset()
        with open_backups(self.config, surroundings=self.around) as edges:
            return make_backup(edges, self.bench.spreadsheet, self.directory, reason)

    def plan(self, path: str | Path, tab: str | None = None) -> RestorePlan:
        with open_restore(self.config, Path(path), tab, holder="test", surroundings=self.around) as restore:
            return restore.plan

    def restore(self, path: str | Path, tab: str | None = None) -> str | None:
        """Restores; gives where what was there before is kept."""
        with open_restore(self.config, Path(path), tab, holder="test", surroundings=self.around) as restore:
            return carry_out(restore)
