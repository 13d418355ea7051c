// The cells of one tab that were fetched, in windows, and which of them changed since the last look.

import * as api from "./api.js";
import { changedCells, signature } from "./changes.js";

const ROWS = 100;
const COLUMNS = 50;
const KEPT = 80; // windows
const AT_ONCE = 2; // requests under way
const BLANK = Object.freeze({});
export const MARKED_FOR = 2500; // ms that a change is marked

export class Cells {
  #id;
  #layout;
  #now = new Map(); // windows of this version, by "row:column" of their first cell
  #before = new Map(); // the last known windows of older versions
  #wereAt = new Map(); // by first column: signature of a row in #before -> its index
  #wanted = new Map(); // by the same key: [row, column] of windows to fetch, the first ones first
  #asked = new Set(); // those under way
  #generation = 0; // an answer to a question about an older version is not taken
  #arrivals = new Map(); // by first row: how often its windows changed
  #marks = new Map(); // "row:column" or "row" -> since when it is marked

  /** `arrived()` is called when cells came in; `failed(error)` when they did not. */
  constructor(id, layout, arrived, failed) {
    this.#id = id;
    this.#layout = layout;
    this.arrived = arrived;
    this.failed = failed;
  }

  get sheetId() {
    return this.#layout.sheetId;
  }

  /** A new version: what is known is shown until it is fetched again. */
  renew(layout) {
    this.#layout = layout;
    for (const [key, rows] of this.#now) {
      this.#before.delete(key);
      this.#before.set(key, rows);
    }
    for (const key of this.#before.keys()) {
      if (this.#before.size <= KEPT) break;
      this.#before.delete(key);
    }
    this.#now.clear();
    this.#asked.clear();
    this.#wereAt.clear();
    this.#generation += 1;
    this.#arrivals.clear();
  }

  /** The cell, `{}` where it is blank, undefined where it is not known yet. */
  get(row, column) {
    const [top, left] = [row - (row % ROWS), column - (column % COLUMNS)];
    const rows = this.#now.get(`${top}:${left}`) ?? this.#before.get(`${top}:${left}`);
    return rows && (rows[row - top]?.[column - left] ?? BLANK);
  }

  /** Another text whenever what `get` gives for this row may be another. */
  stamp(row) {
    return `${this.#generation}.${this.#arrivals.get(row - (row % ROWS)) ?? 0}`;
  }

  /** Marks a whole row: one that changed where nobody looked, so that it is not known what in it did. */
  markRow(row) {
    this.#marks.set(`${row}`, performance.now());
    this.#count(row - (row % ROWS));
  }

  /** Since when the cell is marked as changed; undefined where it is not. */
  markedSince(row, column, now) {
    const since = this.#marks.get(`${row}:${column}`) ?? (this.get(row, column)?.text && this.#marks.get(`${row}`));
    return since !== undefined && now - since < MARKED_FOR ? since : undefined;
  }

  /**
   * Fetches what is not known of these areas, `[row, endRow, column, endColumn]`, half-open. What was wanted
   * before and not begun yet is forgotten: whoever drags the scrollbar wants only the place where they stop.
   */
  want(areas) {
    const wanted = new Map();
    for (const [row, endRow, column, endColumn] of areas) {
      for (let top = row - (row % ROWS); top < endRow; top += ROWS) {
        for (let left = column - (column % COLUMNS); left < endColumn; left += COLUMNS) {
          wanted.set(`${top}:${left}`, [top, left]);
        }
      }
    }
    this.#wanted = wanted;
    this.#fetchNext();
  }

  #fetchNext() {
    for (const [key, [top, left]] of this.#wanted) {
      if (this.#asked.size >= AT_ONCE) return;
      if (!this.#now.has(key) && !this.#asked.has(key)) this.#fetch(key, top, left);
    }
  }

  async #fetch(key, top, left) {
    this.#asked.add(key);
    const generation = this.#generation;
    try {
      const found = await api.cells(this.#id, this.sheetId, top, ROWS, left, COLUMNS);
      if (generation === this.#generation) this.#arrive(key, top, left, found.cells);
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#asked.delete(key); // asked again by the next look
      this.failed(error);
    }
  }

  #count(top) {
    this.#arrivals.set(top, (this.#arrivals.get(top) ?? 0) + 1);
  }

  #arrive(key, top, left, rows) {
    const before = (row) => {
      const start = row - (row % ROWS);
      const known = row < 0 ? undefined : this.#before.get(`${start}:${left}`);
      return known && (known[row - start] ?? []);
    };
    const changes = changedCells(rows, top, before, (text) => this.#index(left).get(text) ?? undefined);
    const now = performance.now();
    for (const [mark, since] of this.#marks) if (now - since >= MARKED_FOR) this.#marks.delete(mark);
    for (const [row, column] of changes) this.#marks.set(`${row}:${column + left}`, now);
    this.#asked.delete(key);
    this.#now.set(key, rows);
    if (this.#now.size > KEPT) this.#now.delete(this.#now.keys().next().value);
    this.#count(top);
    this.arrived();
  }

  /** Where each row of cells was; null where the same cells were in several rows. */
  #index(left) {
    let found = this.#wereAt.get(left);
    if (found) return found;
    found = new Map();
    for (const [key, rows] of this.#before) {
      const [top, column] = key.split(":").map(Number);
      if (column !== left) continue;
      rows.forEach((cells, offset) => {
        const text = signature(cells);
        found.set(text, found.has(text) ? null : top + offset);
      });
    }
    this.#wereAt.set(left, found);
    return found;
  }
}
