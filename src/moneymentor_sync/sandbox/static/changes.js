// What changed in a window of cells since the last look. Pure.
// Rows are compared with what they were before rows were inserted, deleted or sorted around them: a row
// that only moved has not changed.

/** What can be seen of cells, as text: a formula that only followed its moved cells looks as before. */
export const signature = (cells) =>
  JSON.stringify(cells, (name, value) => (name === "formula" || name === "entry" ? undefined : value));

const BLANK = signature([]);

/**
 * `rows`: the new cells of rows `first` …; `before(row)`: the cells that row had (undefined: not known);
 * `whereWas(signature)`: the one row that had these cells (undefined: none, or several).
 * Gives `[row, column]` of each cell that is not as it was (columns from 0 in the window).
 */
export function changedCells(rows, first, before, whereWas) {
  const found = [];
  let shift = 0;
  rows.forEach((cells, offset) => {
    const row = first + offset;
    const now = signature(cells);
    const old = before(row - shift);
    if (old !== undefined && signature(old) === now) return;
    const was = now === BLANK ? undefined : whereWas(now);
    if (was !== undefined) {
      shift = row - was;
      return;
    }
    if (old !== undefined) found.push(...differing(cells, old).map((column) => [row, column]));
  });
  return found;
}

function differing(cells, old) {
  const found = [];
  for (let column = 0; column < Math.max(cells.length, old.length); column += 1) {
    if (signature(cells[column] ?? {}) !== signature(old[column] ?? {})) found.push(column);
  }
  return found;
}
