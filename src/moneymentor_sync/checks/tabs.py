"""Tabs and room: which exist, whether their headers and protections let a sync work, and whether it fits.

Pure: what was seen goes in, a check comes out. What a header means is decided where a sync decides it, in
`core.layout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from moneymentor_sync.core.errors import HeaderDamagedError
from moneymentor_sync.core.fence import FENCE_TAB, STAGING_PREFIX
from moneymentor_sync.core.layout import KnownTab, Layout, find_layout, heading
from moneymentor_sync.core.ports import TabInfo
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.sheet_status import is_status_header, not_ours

from .facts import Extent, Protection, Span, TabSeen
from .foresight import Foresee, first_sync_check
from .result import Check, counted, failed, ok, refused, skipped, warning

FULL_SHARE = 0.8
_SHOWN = 4


def tab_step(dataset: str) -> str:
    return f"tab: {dataset}"


def left_alone(tabs: Iterable[TabInfo], ours: Iterable[TabInfo | None]) -> list[str]:
    """Titles of tabs that no dataset fills; our own hidden ones aside."""
    filled = {tab.sheet_id for tab in ours if tab is not None}
    return [
        tab.title
        for tab in tabs
        if tab.sheet_id not in filled and tab.title != FENCE_TAB and not tab.title.startswith(STAGING_PREFIX)
    ]


def tab_check(
    dataset: Dataset,
    extent: Extent | None,
    seen: TabSeen | None,
    protections: Sequence[Protection],
    known: KnownTab | None,
    account: str,
    foresee: Foresee | None = None,
) -> Check:
    """One dataset's tab; `extent` is None where its query failed, `seen` where there is no such tab yet.

    `foresee` is asked where the tab has rows already that this installation knows nothing of.
    """
    name = tab_step(dataset.name)
    if seen is None:
        again = ", again," if known is not None else ""
        return ok(name, f"{dataset.tab} is not there yet; the first sync makes it{again}")
    title = seen.info.title
    if not seen.info.rows:
        return failed(name, f"{title} is a tab without cells, such as a chart's", "Give the dataset another `tab`.")
    if extent is None:
        return skipped(name, f"{title} exists; its header was not compared, since the dataset's query failed")
    mine = known if known is not None and known.sheet_id == seen.info.sheet_id else None
    try:
        layout = find_layout(extent.shape, seen.header, empty=seen.empty, known=mine, where=f"tab {title!r}")
    except HeaderDamagedError as error:
        return refused(name, error)
    within = [one for one in protections if one.sheet_id == seen.info.sheet_id and not one.may_edit]
    stopped = _protected(name, title, layout, within, account)
    if stopped is None and foresee is not None and mine is None and not layout.fresh and extent.rows is not None:
        stopped = first_sync_check(name, title, foresee(dataset))
    return stopped or _header(name, title, extent, layout, mine)


def status_check(
    name: str, dataset: Dataset, seen: TabSeen | None, protections: Sequence[Protection], known: KnownTab | None
) -> Check:
    """The tab that tells readers how fresh the others are. Nothing that is wrong with it stops a sync."""
    if seen is None:
        return ok(name, f"{dataset.tab} is not there yet; the first sync makes it")
    title = seen.info.title
    mine = known is not None and known.sheet_id == seen.info.sheet_id
    if not mine and not seen.empty and not is_status_header({heading(cell) for cell in seen.header}):
        error = not_ours(title)
        return warning(name, str(error), error.hint)
    if any(one.sheet_id == seen.info.sheet_id and not one.may_edit for one in protections):
        return warning(
            name,
            f"{title} is protected, at least in part: what is to be written there may be refused",
            "Add the service account to the protection's editors (menu Data, “Protect sheets and ranges”).",
        )
    return ok(name, f"{title} tells readers how fresh each dataset is")


def _header(name: str, title: str, extent: Extent, layout: Layout, known: KnownTab | None) -> Check:
    headers = extent.shape.headers
    if layout.fresh:
        return ok(name, f"{title} is empty; the first sync writes the header and the rows")
    if layout.insert_header:
        return warning(
            name,
            f"{title} has no header any more; a sync puts it back if row 1 is one of its rows",
            f"The header is row 1: put it back ({_some(headers)}).",
        )
    if not layout.missing:
        return ok(name, f"{title} has the headers of all {len(headers)} columns in row 1")
    missing = _some([headers[i] for i in layout.missing])
    found = f"{title} lacks {len(layout.missing)} of {len(headers)} headers in row 1 ({missing})"
    if known is None:
        return ok(name, f"{found}; a sync adds the column{'' if len(layout.missing) == 1 else 's'}")
    return warning(
        name,
        f"{found}, which it had",
        "A sync finds a renamed column by its rows, and makes a deleted one again; `mmsync plan` shows which.",
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


# --- protected ranges -------------------------------------------------------------------------------------


def _protected(
    name: str, title: str, layout: Layout, protections: Sequence[Protection], account: str
) -> Check | None:
    """What protections mean for our columns; None where they leave a sync in peace."""
    hint = f"Add {account} to the range's editors (menu Data, “Protect sheets and ranges”), or remove it."
    columns = [position for position in layout.positions if position is not None]
    ours = [one for one in protections if not columns or any(_within(column, one.columns) for column in columns)]
    if any(not one.excepted for one in ours):
        return failed(name, f"{title} has a protected range over columns that a sync writes", hint)
    if ours:
        return warning(name, f"{title} is protected but for parts of it, which a sync may not keep to", hint)
    if protections:
        return warning(
            name,
            f"{title} has a protected range beside our columns: rows that it covers cannot be deleted",
            hint,
        )
    return None


def _within(index: int, span: Span) -> bool:
    start, end = span
    return index >= start and (end is None or index < end)


def mark_check(name: str, tabs: Iterable[TabInfo], protections: Sequence[Protection], account: str) -> Check | None:
    """The hidden tab that carries the mark of who wrote last; None where nothing is wrong with it."""
    if not _is_shut_out(tabs, protections):
        return None
    return warning(
        name,
        f"the hidden tab {FENCE_TAB} is protected by another account: another installation writes here, or did",
        f"Let only one account write to a spreadsheet; else add {account} to the protection's editors.",
    )


def pool_mark_check(
    name: str, tabs: Iterable[TabInfo], protections: Sequence[Protection], account: str
) -> Check | None:
    """The same for a further account of a pool: it joined after the tab was made."""
    if not _is_shut_out(tabs, protections):
        return None
    return warning(
        name,
        f"the hidden tab {FENCE_TAB} is protected, and {account} is not among those who may edit it: Google may "
        "refuse its writes",
        f"Show the tab, and add {account} to its protection's editors (menu Data, “Protect sheets and ranges”); or "
        "delete the tab: the next sync makes it for all accounts.",
    )


def _is_shut_out(tabs: Iterable[TabInfo], protections: Sequence[Protection]) -> bool:
    mark = next((tab.sheet_id for tab in tabs if tab.title == FENCE_TAB), None)
    return mark is not None and any(one.sheet_id == mark and not one.may_edit for one in protections)


# --- room -------------------------------------------------------------------------------------------------


def needed_cells(extent: Extent, tab: TabInfo | None) -> int | None:
    """Cells by which the grid has to grow at the least for the whole dataset; None where its rows are unknown."""
    if extent.rows is None:
        return None
    width = len(extent.shape.columns)
    if tab is None:
        return (extent.rows + 2) * width
    wide = max(width, tab.columns)
    lacking = max(0, extent.rows + 1 - tab.rows)
    return lacking * wide + (wide - tab.columns) * tab.rows


def used_cells(tabs: Iterable[TabInfo]) -> int:
    """Grid cells, empty ones included, as Google counts them; what an interrupted sync left is removed anyway."""
    return sum(tab.rows * tab.columns for tab in tabs if not tab.title.startswith(STAGING_PREFIX))


def cells_check(name: str, used: int, needed: Sequence[int | None], limit: int) -> Check:
    """Whether everything fits; `needed` has each dataset's growth, None where it is unknown."""
    growth = sum(cells for cells in needed if cells is not None)
    share = (used + growth) / limit
    found = f"{used:,} of {limit:,} cells ({used / limit:.1%}) are used"
    if growth:
        found += f"; a sync adds at least {growth:,}"
    unknown = sum(cells is None for cells in needed)
    if unknown:
        found += f"; not counting {counted(unknown, 'dataset')} that could not be read"
    hint = "Delete blank rows, columns or tabs, or give a dataset a spreadsheet of its own (`spreadsheet_id`)."
    if used + growth > limit:
        return failed(name, f"{found}: it does not fit", hint)
    return warning(name, found, hint) if share > FULL_SHARE else ok(name, found)
