"""Notes on headers that say where a column comes from: what they say, which of them are ours, what to write. Pure.

A note is ours if it ends with our mark, and the mark fits what stands above it. So a person who changes one of
ours makes it theirs, and it is left alone from then on, whatever else is known or was forgotten.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from .builtin_words import BUILTIN_WORDS
from .ports import Origin
from .settings import Column, Dataset, Mask
from .table import Shape

if TYPE_CHECKING:  # a plan knows its table, as this does
    from .plan import Plan

Noted = tuple[tuple[str, str], ...]
"""Headers whose note was seen to, each with a digest of what it was to say: also where a person's stands there."""

HeaderCell = tuple[str, str]
"""A cell of row 1: its heading, and its note; blank where it has none."""

_MARK = "— mmsync "
_OURS = re.compile(rf"(?P<said>.+)\n{_MARK}(?P<digest>[0-9a-f]{{6}})", re.DOTALL)

_KEPT = {
    "mirror": "Kept equal to the database by mmsync: changes here are put back.",
    "upsert": "Kept up to date from the database by mmsync: changes here are put back.",
    "append": "Written by mmsync when a row is added; it does not touch it afterwards.",
}
_MASKED: Mapping[Mask, str] = {
    "email": "Masked: of an address only its first letter and its domain are shown.",
    "initial": "Masked: only the first letter is shown.",
    "last4": "Masked: only the last four characters are shown.",
    "all": "Masked: whether there is a value is all that is shown.",
}
_HASHED = "Shown as a pseudonym: equal values have equal ones, and none tells its value."
_KEY = "It tells which row is which."


# --- what they say ----------------------------------------------------------------------------------------


def note_texts(dataset: Dataset, shape: Shape, origins: Mapping[str, Origin]) -> dict[str, str]:
    """The note of each managed column, by its header; none where the rows are not from the database. `origins` says
    whose the query's columns are, by name, as far as the database knows."""
    if not (dataset.query or dataset.table or dataset.builtin):
        return {}
    keys = {shape.columns[i].name for i in shape.key}
    return {
        column.header.strip(): _marked(_said(dataset, column, keys, origins.get(column.name)))
        for column in shape.columns
    }


def _said(dataset: Dataset, column: Column, keys: Collection[str], origin: Origin | None) -> str:
    lines = [f"{_origin(dataset, column, origin)} (dataset {dataset.name})."]
    if column.mask is not None:
        lines.append(_MASKED[column.mask])
    if column.hash:
        lines.append(_HASHED)
    kept = _KEPT[dataset.mode]
    lines.append(f"{_KEY} {kept}" if column.name in keys else kept)
    return "\n".join(lines)


def _origin(dataset: Dataset, column: Column, origin: Origin | None) -> str:
    if dataset.builtin is not None and (words := BUILTIN_WORDS[dataset.builtin].get(column.name)):
        return words
    if dataset.table is not None:
        return f"Column {column.name} of table {dataset.table}"
    if origin is not None:
        return f"Column {origin[1]} of table {origin[0]}"
    return f"Column {column.name} of the query"


def _marked(said: str) -> str:
    return f"{said}\n{_MARK}{_digest(said)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=3).hexdigest()


def is_ours(note: str) -> bool:
    """Whether a note is as one of ours was written, by whichever version or installation."""
    found = _OURS.fullmatch(note)
    return found is not None and _digest(found["said"]) == found["digest"]


# --- what to do -------------------------------------------------------------------------------------------


def seen_to(texts: Mapping[str, str]) -> Noted:
    """What is to be remembered once these notes are there, or a person's in their place."""
    return tuple((header, _digest(text)) for header, text in texts.items())


def is_due(texts: Mapping[str, str], noted: Noted) -> bool:
    """Whether row 1 has to be looked at: some note was not seen to, says something else now, or is to go."""
    return dict(seen_to(texts)) != dict(noted)


def to_write(header: Sequence[HeaderCell], texts: Mapping[str, str]) -> dict[int, str]:
    """The notes to write, by column index; a blank one takes ours away. A person's is never among them."""
    counts = Counter(text for text, _ in header)
    found: dict[int, str] = {}
    for at, (text, note) in enumerate(header):
        wanted = texts.get(text, "") if counts[text] == 1 else ""
        if note != wanted and (is_ours(note) if note else wanted):
            found[at] = wanted
    return found


def to_put_back(
    written: Mapping[int, str], before: Sequence[HeaderCell], after: Sequence[HeaderCell]
) -> dict[int, str]:
    """The notes that a write hit by mistake, as they were, by column index: a person moved columns between our look
    and our write. `after` is row 1 as it was found behind the write; a note that is not there did not arrive."""
    there = {note for _, note in after}
    found: dict[int, str] = {}
    for at, ours in written.items():
        now, note_now = after[at] if at < len(after) else ("", "")
        if note_now == ours and (at >= len(before) or before[at][0] != now):
            gone = [note for text, note in before if text == now and note and note not in there]
            found[at] = gone[0] if len(gone) == 1 else ""
    return found


def made_with_notes(plan: Plan) -> tuple[int, ...]:
    """The managed columns whose header cell is new with this plan, so that no person's note can be on it."""
    if not plan.notes or (plan.layout.fresh and not plan.create_tab):
        return ()
    whole = plan.create_tab or plan.layout.insert_header
    return tuple(range(len(plan.notes))) if whole else plan.layout.missing


def carried(noted: Noted, plan: Plan) -> Noted:
    """What is still known of the notes once a plan was carried out. A header that had to be mended is looked at."""
    layout, headers = plan.layout, [header.strip() for header in plan.shape.headers]
    doubtful = {text.strip() for _, text in layout.headers} | {headers[i] for i in layout.missing}
    if layout.fresh or layout.insert_header:
        doubtful.update(headers)
    known = {header: digest for header, digest in noted if header not in doubtful}
    new = {headers[i]: plan.notes[i] for i in made_with_notes(plan)}
    return (*known.items(), *seen_to(new))
