// Typing into a cell: Enter or Tab writes, Escape leaves, Alt+Enter starts a new line in the cell.

/** What a person would type to get what is in the cell. */
export const entryOf = (cell) => cell?.formula ?? cell?.entry ?? cell?.text ?? "";

export class Editor {
  #open = null; // {row, column, was, field}

  /**
   * `write(row, column, text)` writes and rejects where it is refused; `left(rows, columns)` is called when
   * typing has ended, with how far the cursor goes on; `complain(error)` says what went wrong.
   */
  constructor(grid, { write, left, complain }) {
    Object.assign(this, { grid, write, left, complain });
  }

  get isOpen() {
    return this.#open !== null;
  }

  /** Opens it on a cell, with its content, or with `text` in its place. */
  open(row, column, text) {
    if (this.#open) return;
    const was = entryOf(this.grid.cells.get(row, column));
    const field = document.createElement("textarea");
    field.className = "editor";
    field.setAttribute("aria-label", "Type into the cell");
    field.spellcheck = false;
    field.value = text ?? was;
    const { parent, top, left, width, height } = this.grid.box(row, column);
    Object.assign(field.style, { top: `${top}px`, left: `${left}px` });
    Object.assign(field.style, { minWidth: `${width + 1}px`, minHeight: `${height + 1}px` });
    field.addEventListener("keydown", (event) => this.#key(event));
    field.addEventListener("blur", () => this.#commit(null));
    for (const name of ["mousedown", "dblclick"]) field.addEventListener(name, (event) => event.stopPropagation());
    parent.append(field);
    this.#open = { row, column, was, field };
    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
  }

  /** Leaves without writing. */
  close(rows = 0, columns = 0) {
    const open = this.#open;
    if (!open) return;
    this.#open = null; // before the field goes: its loss of the focus is no wish to write
    open.field.remove();
    this.left(rows, columns);
  }

  #key(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    const { selectionStart, selectionEnd } = event.target;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && event.altKey) event.target.setRangeText("\n", selectionStart, selectionEnd, "end");
    else if (event.key === "Enter") this.#commit([event.shiftKey ? -1 : 1, 0]);
    else if (event.key === "Tab") this.#commit([0, event.shiftKey ? -1 : 1]);
    else return;
    event.preventDefault();
  }

  /** Writes; `way` is where the cursor goes on, null where the focus has gone elsewhere. */
  async #commit(way) {
    const open = this.#open;
    if (!open || open.field.readOnly) return;
    const { row, column, was, field } = open;
    if (field.value === was) return this.close(...(way ?? []));
    const now = entryOf(this.grid.cells.get(row, column));
    if (now !== was) {
      open.was = now; // whoever writes again means it
      this.complain(new Error("This cell changed while you were typing. Enter overwrites it, Escape leaves it."));
      return field.focus();
    }
    field.readOnly = true;
    try {
      await this.write(row, column, field.value);
      if (this.#open === open) this.close(...(way ?? []));
    } catch (error) {
      field.readOnly = false;
      this.complain(error);
      if (this.#open === open) field.focus();
    }
  }
}
