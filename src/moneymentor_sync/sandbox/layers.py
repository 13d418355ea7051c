"""What a person lays over cells: filters and their views, rules, merges, protections, names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .grid import Json
from .hand import Hand


class Layers(Hand):
    """Ranges are `row, end_row, column, end_column`, half open; a side that is None is open."""

    # --- filters -----------------------------------------------------------------------------------------

    def filter(self, tab: str, sort_by: int | None = None, *, descending: bool = False) -> None:
        """Puts a filter over the whole tab; with `sort_by` its menu then sorts by that column."""
        given: Json = {"range": {"sheetId": self._tab(tab).sheet_id}}
        if sort_by is not None:
            order = "DESCENDING" if descending else "ASCENDING"
            given["sortSpecs"] = [{"dimensionIndex": sort_by, "sortOrder": order}]
        self.request({"setBasicFilter": {"filter": given}})

    def clear_filter(self, tab: str) -> None:
        self.request({"clearBasicFilter": {"sheetId": self._tab(tab).sheet_id}})

    def filter_view(self, tab: str, title: str, column: int, hidden: Sequence[str] = ()) -> int:
        """Makes a view of the tab for whoever opens it, without the rows that read so; gives its id."""
        criteria = {str(column): {"hiddenValues": list(hidden)}}
        view = {"title": title, "range": {"sheetId": self._tab(tab).sheet_id}, "criteria": criteria}
        reply = self.request({"addFilterView": {"filter": view}})[0]
        return int(reply["addFilterView"]["filter"]["filterViewId"])

    def delete_filter_view(self, filter_view_id: int) -> None:
        self.request({"deleteFilterView": {"filterId": filter_view_id}})

    # --- rules -------------------------------------------------------------------------------------------

    def validate(self, tab: str, *sides: int | None, values: Sequence[str], strict: bool = True) -> None:
        """Lets only these texts be chosen in a range. The API writes past such a rule, as Google's does."""
        condition = {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": value} for value in values]}
        rule = {"condition": condition, "strict": strict}
        self.request({"setDataValidation": {"range": self._range(tab, *sides), "rule": rule}})

    def clear_validation(self, tab: str, *sides: int | None) -> None:
        self.request({"setDataValidation": {"range": self._range(tab, *sides)}})

    def conditional_format(self, tab: str, *sides: int | None, kind: str = "NOT_BLANK", value: str = "") -> None:
        """Colours the cells of a range that fulfil a condition."""
        condition: Json = {"type": kind} | ({"values": [{"userEnteredValue": value}]} if value else {})
        shown = {"backgroundColor": {"red": 1.0}}
        rule = {"ranges": [self._range(tab, *sides)], "booleanRule": {"condition": condition, "format": shown}}
        self.request({"addConditionalFormatRule": {"rule": rule, "index": 0}})

    def delete_conditional_format(self, tab: str, index: int = 0) -> None:
        sheet_id = self._tab(tab).sheet_id
        self.request({"deleteConditionalFormatRule": {"sheetId": sheet_id, "index": index}})

    # --- merges ------------------------------------------------------------------------------------------

    def merge(self, tab: str, *sides: int | None) -> None:
        """Merges a block; of its values only the first cell's is left."""
        self.request({"mergeCells": {"range": self._range(tab, *sides), "mergeType": "MERGE_ALL"}})

    def unmerge(self, tab: str, *sides: int | None) -> None:
        self.request({"unmergeCells": {"range": self._range(tab, *sides)}})

    # --- protections and names ---------------------------------------------------------------------------

    def protect(
        self,
        tab: str,
        row: int | None = None,
        end_row: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        editors: Sequence[str] = (),
    ) -> int:
        """Protects an area (the whole tab where nothing is given) from all but the owner and `editors`."""
        span = self._range(tab, row, end_row, column, end_column)
        given = {"range": span, "editors": {"users": list(editors)}}
        reply = self.request({"addProtectedRange": {"protectedRange": given}})[0]
        return int(reply["addProtectedRange"]["protectedRange"]["protectedRangeId"])

    def unprotect(self, protected_range_id: int) -> None:
        self.request({"deleteProtectedRange": {"protectedRangeId": protected_range_id}})

    def name_range(self, name: str, tab: str, *sides: int | None) -> str:
        """Names a range, for formulas and for finding it again; gives its id."""
        reply = self.request({"addNamedRange": {"namedRange": {"name": name, "range": self._range(tab, *sides)}}})[
            0
        ]
        found: Any = reply["addNamedRange"]["namedRange"]["namedRangeId"]
        return str(found)

    def delete_named_range(self, named_range_id: str) -> None:
        self.request({"deleteNamedRange": {"namedRangeId": named_range_id}})
