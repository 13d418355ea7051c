// The cell cursor: moved by keys and by clicks, and what the keys ask for.

/** How far a key moves, as [rows, columns]; `page` is the number of rows in view. */
const MOVES = {
  ArrowUp: () => [-1, 0],
  ArrowDown: () => [1, 0],
  ArrowLeft: () => [0, -1],
  ArrowRight: () => [0, 1],
  PageUp: (page) => [-page, 0],
  PageDown: (page) => [page, 0],
};

export class Cursor {
  /** `moved(cell)` is called after each move, `edit(text)` where typing starts (null: with what is there). */
  constructor(grid, moved, edit) {
    this.grid = grid;
    this.moved = moved;
    this.edit = edit;
    this.cell = null;
    const element = grid.element;
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("mousedown", (event) => this.#click(event));
    element.addEventListener("dblclick", (event) => cellAt(event) && this.edit(null));
    element.addEventListener("focus", () => this.cell || this.put(0, 0));
  }

  /** Puts it on a cell, or, where that is hidden or gone, on one beside it. */
  put(row, column, { reveal = true } = {}) {
    const { rows, columns } = this.grid;
    if (!rows.shown || !columns.shown) return;
    this.cell = {
      row: rows.step(Math.min(row, rows.count - 1), 0),
      column: columns.step(Math.min(column, columns.count - 1), 0),
    };
    if (reveal) this.grid.reveal(this.cell.row, this.cell.column);
    this.grid.point(this.cell);
    this.moved(this.cell);
  }

  drop() {
    this.cell = null;
    this.grid.point(null);
  }

  move(rows, columns) {
    if (!this.cell) return this.put(0, 0);
    this.put(this.grid.rows.step(this.cell.row, rows), this.grid.columns.step(this.cell.column, columns));
  }

  #click(event) {
    const found = cellAt(event);
    if (found) this.put(found.row, found.column);
  }

  #key(event) {
    if (event.target !== this.grid.element || event.altKey || event.metaKey) return;
    if (this.#handled(event)) event.preventDefault();
  }

  #handled(event) {
    const { key, ctrlKey } = event;
    if (key in MOVES) return this.#step(MOVES[key](this.grid.page), ctrlKey);
    if (key === "Home") return this.#home(ctrlKey);
    if (key === "End") return this.#end(ctrlKey);
    if (!this.cell) return false;
    if (key === "Enter" || key === "F2") return this.#edit(null);
    if (key === "Delete" || key === "Backspace") return this.#edit("");
    return key.length === 1 && !ctrlKey ? this.#edit(key) : false;
  }

  /** With Ctrl to the end of the grid, as far as the key points. */
  #step([rows, columns], far) {
    const times = far ? 1e9 : 1;
    this.move(rows * times, columns * times);
    return true;
  }

  #home(all) {
    this.put(all ? 0 : (this.cell?.row ?? 0), 0);
    return true;
  }

  /** End goes to the last column, Ctrl+End also to the last row with something in it. */
  #end(all) {
    const { layout } = this.grid;
    this.put(all ? Math.max(0, layout.filledRows - 1) : (this.cell?.row ?? 0), layout.columns - 1);
    return true;
  }

  #edit(text) {
    this.edit(text);
    return true;
  }
}

/** The row and column of the cell that an event is about. */
export function cellAt(event) {
  const cell = event.target.closest?.("[data-column]");
  return cell ? { row: Number(cell.closest(".row").dataset.row), column: Number(cell.dataset.column) } : null;
}
