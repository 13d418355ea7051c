// Draws the part of a tab that is in view. Knows where things are and how they look, not what they mean:
// cells come from `Cells`, the cursor from `cursor.js`.

import { Axis, Columns, ROW_HEIGHT, letters } from "./axis.js";
import { choose, dress, gap, mark, name } from "./look.js";

const OVERSCAN = 8; // rows drawn above and below what is in view
const AHEAD = 60; // rows fetched above and below, so that they are there when one scrolls on
const TALLEST = 12_000_000; // pixels; browsers cannot draw much taller boxes, so beyond it scrolling is scaled

export class Grid {
  #head;
  #body;
  #rows = new Map(); // index -> drawn row of the body
  #drawn = ""; // what the head was drawn for
  #cursor = null;

  constructor(element) {
    this.element = element;
    this.#head = element.querySelector(".head");
    this.#body = element.querySelector(".body");
    let asked = false;
    const soon = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        this.draw();
      });
    };
    element.addEventListener("scroll", soon, { passive: true });
    new ResizeObserver(soon).observe(element);
  }

  /** Shows a tab. `cells` is a Cells, `layout` its measures; `showHidden` shows hidden rows and columns. */
  show(cells, layout, showHidden) {
    this.cells = cells;
    this.layout = layout;
    this.rows = new Axis(layout.rows, showHidden ? [] : layout.hiddenRows);
    this.columns = new Columns(layout.columns, showHidden ? [] : layout.hiddenColumns, layout.widths);
    this.hidden = {
      rows: new Axis(layout.rows, layout.hiddenRows),
      columns: new Axis(layout.columns, layout.hiddenColumns),
    };
    this.frozenRows = Math.min(this.rows.position(layout.frozenRows), 20);
    this.frozenColumns = Math.min(this.columns.position(layout.frozenColumns), 10);
    this.numberWidth = 24 + 8 * Math.max(2, String(layout.rows).length);
    this.tall = (this.rows.shown - this.frozenRows) * ROW_HEIGHT;
    const width = `${this.numberWidth + this.columns.total}px`;
    this.#head.style.width = this.#body.style.width = width;
    this.#body.style.height = `${Math.min(this.tall, TALLEST)}px`;
    this.element.setAttribute("aria-label", layout.title);
    this.element.setAttribute("aria-rowcount", layout.rows + 1);
    this.element.setAttribute("aria-colcount", layout.columns + 1);
    this.#clear();
    this.draw();
  }

  #clear() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#drawn = "";
  }

  // --- where ------------------------------------------------------------------------------------------

  get #room() {
    return Math.max(0, this.element.clientHeight - this.#head.offsetHeight);
  }

  /** Pixels of rows per pixel of scrolling. */
  get #scale() {
    const way = Math.min(this.tall, TALLEST) - this.#room;
    return this.tall > TALLEST && way > 0 ? (this.tall - this.#room) / way : 1;
  }

  /** How many pixels of rows lie above the view. */
  get #top() {
    return this.element.scrollTop * this.#scale;
  }

  /** The left edge of a position in the row, frozen or not. */
  left(position) {
    return this.numberWidth + this.columns.left(position);
  }

  /** Where a cell is drawn: its parent, and its box in there; null where it is out of view. */
  box(row, column) {
    const position = this.rows.position(row);
    const frozen = position < this.frozenRows;
    const top = frozen
      ? (position + 1) * ROW_HEIGHT
      : (position - this.frozenRows) * ROW_HEIGHT - this.#top + this.element.scrollTop;
    const at = this.columns.position(column);
    const stuck = at < this.frozenColumns ? this.element.scrollLeft : 0;
    return {
      parent: frozen ? this.#head : this.#body,
      top,
      left: this.left(at) + stuck,
      width: this.columns.width(at),
      height: ROW_HEIGHT,
    };
  }

  /** How much of what begins at `left` is under the row numbers and the frozen columns. */
  covered(left) {
    return Math.max(0, this.element.scrollLeft + this.left(this.frozenColumns) - left);
  }

  /** Whether a row is in view, whole. */
  sees(row) {
    const position = this.rows.position(row);
    const top = (position - this.frozenRows) * ROW_HEIGHT;
    return position < this.frozenRows || (top >= this.#top && top + ROW_HEIGHT <= this.#top + this.#room);
  }

  /** Scrolls so that a row is in the middle of the view. */
  center(row) {
    const top = (this.rows.position(row) - this.frozenRows) * ROW_HEIGHT;
    this.element.scrollTop = (top - this.#room / 2) / this.#scale;
    this.draw();
  }

  /** Rows that fit into the view. */
  get page() {
    return Math.max(1, Math.floor(this.#room / ROW_HEIGHT) - 1);
  }

  /** Scrolls so that the cell is in view. */
  reveal(row, column) {
    const position = this.rows.position(row) - this.frozenRows;
    if (position >= 0) {
      const top = position * ROW_HEIGHT;
      const room = this.#room;
      if (top < this.#top) this.element.scrollTop = top / this.#scale;
      else if (top + ROW_HEIGHT > this.#top + room) this.element.scrollTop = (top + ROW_HEIGHT - room) / this.#scale;
    }
    const at = this.columns.position(column);
    if (at >= this.frozenColumns) {
      const start = this.columns.left(this.frozenColumns);
      const room = this.element.clientWidth - this.numberWidth - start;
      const [left, right] = [this.columns.left(at) - start, this.columns.left(at + 1) - start];
      if (left < this.element.scrollLeft) this.element.scrollLeft = left;
      else if (right > this.element.scrollLeft + room) this.element.scrollLeft = Math.min(left, right - room);
    }
    this.draw();
  }

  // --- drawing ----------------------------------------------------------------------------------------

  draw() {
    if (!this.cells || !this.columns.shown) return;
    const scrolled = this.element.scrollLeft;
    const first = Math.max(this.frozenColumns, this.columns.at(scrolled + this.columns.left(this.frozenColumns)));
    const end = Math.min(this.columns.shown, this.columns.at(scrolled + this.element.clientWidth) + 1);
    const top = this.#top;
    const firstRow = this.frozenRows + Math.floor(top / ROW_HEIGHT);
    const endRow = this.frozenRows + Math.ceil((top + this.#room) / ROW_HEIGHT);
    const from = Math.max(this.frozenRows, firstRow - OVERSCAN);
    const to = Math.min(this.rows.shown, endRow + OVERSCAN);
    this.#want(from, to, first, end);
    this.#drawHead(first, end);
    this.#drawBody(from, to, first, end, top);
    this.drawn?.(); // what lies over the cells moves with them
  }

  /** Asks for the frozen rows and columns, for what is in view, and then for what is near it. */
  #want(from, to, first, end) {
    const bands = [...spans(this.columns, 0, this.frozenColumns), ...spans(this.columns, first, end)];
    const near = [Math.max(this.frozenRows, from - AHEAD), Math.min(this.rows.shown, to + AHEAD)];
    const rows = [[0, this.frozenRows], [from, to], near].flatMap((place) => [...spans(this.rows, ...place)]);
    this.cells.want(rows.flatMap((row) => bands.map((band) => [...row, ...band])));
  }

  /** What a row was drawn from: it is drawn again when this is another. */
  #stamp(row, first, end) {
    return `${this.cells.stamp(row)}|${first}|${end}`;
  }

  #drawHead(first, end) {
    const last = this.frozenRows ? this.rows.index(this.frozenRows - 1) : 0;
    const stamp = this.#stamp(0, first, end) + this.#stamp(last, first, end);
    if (this.#drawn === stamp) return;
    this.#drawn = stamp;
    const keep = this.#head.querySelector(".editor"); // typing in a frozen row goes on
    for (const row of this.#head.querySelectorAll(".row")) row.remove();
    this.#head.prepend(this.#letterRow(first, end));
    for (let position = 0; position < this.frozenRows; position += 1) {
      const row = this.#row(this.rows.index(position));
      row.classList.add("frozen");
      this.#fill(row, first, end);
      this.#head.insertBefore(row, keep);
    }
  }

  #drawBody(from, to, first, end, top) {
    const gone = new Set(this.#rows.keys());
    const offset = this.element.scrollTop - top;
    for (let position = from; position < to; position += 1) {
      const index = this.rows.index(position);
      gone.delete(index);
      let row = this.#rows.get(index);
      if (!row) {
        row = this.#row(index);
        this.#rows.set(index, row);
        this.#body.append(row);
      }
      row.style.transform = `translateY(${(position - this.frozenRows) * ROW_HEIGHT + offset}px)`;
      const stamp = this.#stamp(index, first, end);
      if (row.dataset.stamp !== stamp) {
        row.dataset.stamp = stamp;
        this.#fill(row, first, end);
      }
    }
    for (const index of gone) {
      this.#rows.get(index).remove();
      this.#rows.delete(index);
    }
  }

  #letterRow(first, end) {
    const row = document.createElement("div");
    row.className = "row letters";
    row.role = "row";
    row.ariaRowIndex = 1;
    const corner = this.#placed("corner", 0, this.numberWidth);
    corner.role = "columnheader";
    corner.ariaColIndex = 1;
    corner.ariaLabel = "Row numbers";
    row.append(corner);
    for (const position of this.#positions(first, end)) row.append(this.#letter(position));
    return row;
  }

  *#positions(first, end) {
    for (let position = 0; position < this.frozenColumns; position += 1) yield position;
    for (let position = first; position < end; position += 1) yield position;
  }

  #letter(position) {
    const column = this.columns.index(position);
    const letter = this.#placed("letter", this.left(position), this.columns.width(position));
    letter.role = "columnheader";
    letter.ariaColIndex = column + 2;
    letter.textContent = letters(column);
    letter.dataset.letter = column;
    this.#stick(letter, position);
    const before = position > 0 ? this.columns.index(position - 1) + 1 : 0;
    if (before < column) letter.append(gap("before", name("Column", before, column, letters)));
    if (position === this.columns.shown - 1 && column + 1 < this.layout.columns) {
      letter.append(gap("after", name("Column", column + 1, this.layout.columns, letters)));
    }
    if (this.hidden.columns.isHidden(column)) letter.classList.add("is-hidden");
    return letter;
  }

  #placed(kind, left, width) {
    const element = document.createElement("div");
    element.className = kind;
    element.style.left = `${left}px`;
    element.style.width = `${width}px`;
    return element;
  }

  /** Frozen columns stay while the others scroll; they are in the flow, the others are not. */
  #stick(element, position) {
    if (position < this.frozenColumns) element.classList.add("stuck");
    if (position === this.frozenColumns - 1) element.classList.add("last-stuck");
  }

  #row(index) {
    const row = document.createElement("div");
    row.className = "row";
    row.role = "row";
    row.ariaRowIndex = index + 2;
    row.dataset.row = index;
    if (this.hidden.rows.isHidden(index)) row.classList.add("is-hidden");
    return row;
  }

  #number(index) {
    const number = this.#placed("number", 0, this.numberWidth);
    number.role = "rowheader";
    number.ariaColIndex = 1;
    number.textContent = index + 1;
    const position = this.rows.position(index);
    const before = position > 0 ? this.rows.index(position - 1) + 1 : 0;
    const shown = (row) => String(row + 1);
    if (before < index) number.append(gap("above", name("Row", before, index, shown)));
    if (position === this.rows.shown - 1 && index + 1 < this.layout.rows) {
      number.append(gap("below", name("Row", index + 1, this.layout.rows, shown)));
    }
    return number;
  }

  #fill(row, first, end) {
    const index = Number(row.dataset.row);
    const now = performance.now();
    const drawn = [this.#number(index)];
    for (const position of this.#positions(first, end)) drawn.push(this.#cell(index, position, now));
    row.replaceChildren(...drawn);
  }

  #cell(row, position, now) {
    const column = this.columns.index(position);
    const cell = this.cells.get(row, column);
    const element = this.#placed("cell", this.left(position), this.columns.width(position));
    element.id = `cell-${row}-${column}`;
    element.role = "gridcell";
    element.ariaColIndex = column + 2;
    element.dataset.column = column;
    this.#stick(element, position);
    if (cell) dress(element, cell);
    else element.classList.add("unknown");
    if (this.hidden.columns.isHidden(column)) element.classList.add("is-hidden");
    const since = this.cells.markedSince(row, column, now);
    if (since !== undefined) mark(element, now - since);
    if (this.#cursor && this.#cursor.row === row && this.#cursor.column === column) choose(element, true);
    return element;
  }

  // --- the cursor -------------------------------------------------------------------------------------

  /** Marks the cell under the cursor; null takes the mark away. */
  point(cursor) {
    if (this.#cursor) choose(this.#at(this.#cursor), false);
    this.#cursor = cursor;
    if (!cursor) return this.element.removeAttribute("aria-activedescendant");
    choose(this.#at(cursor), true);
    this.element.setAttribute("aria-activedescendant", `cell-${cursor.row}-${cursor.column}`);
  }

  #at({ row, column }) {
    return document.getElementById(`cell-${row}-${column}`);
  }

  /** The drawn cell of the cursor, if it is in view. */
  get pointed() {
    return this.#cursor && this.#at(this.#cursor);
  }
}

/** The indexes at positions `from` … `to` - 1 as half-open spans: what is hidden in between is not fetched. */
function* spans(axis, from, to) {
  let start = from;
  for (let position = from; position < to; position += 1) {
    const index = axis.index(position);
    if (position + 1 < to && axis.index(position + 1) === index + 1) continue;
    yield [axis.index(start), index + 1];
    start = position + 1;
  }
}
