// Where rows and columns lie. Pure: numbers in, numbers out.
// An index is that of the spreadsheet, from 0; a position counts only what is shown.

export const ROW_HEIGHT = 25;
const USUAL_WIDTH = 100;

/** 0 -> "A", 26 -> "AA" */
export function letters(column) {
  let text = "";
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    text = String.fromCharCode(65 + ((rest - 1) % 26)) + text;
  }
  return text;
}

export const cellName = (row, column) => letters(column) + (row + 1);

/** Some of the indexes 0 … count - 1 are left out: those in `spans`, half-open `[start, end]`, in order. */
export class Axis {
  constructor(count, spans) {
    this.count = count;
    this.spans = spans;
    this.before = [0]; // before[i]: how many are left out in the first i spans
    for (const [start, end] of spans) this.before.push(this.before.at(-1) + end - start);
    this.shown = count - this.before.at(-1);
  }

  /** How many spans start at or before `index`. */
  #spansUpTo(index) {
    let low = 0;
    let high = this.spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.spans[middle][0] <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  isHidden(index) {
    const found = this.#spansUpTo(index);
    return found > 0 && index < this.spans[found - 1][1];
  }

  /** The position of an index; that of the next one shown where it is left out. */
  position(index) {
    const found = this.#spansUpTo(index);
    const inside = found > 0 ? Math.max(0, this.spans[found - 1][1] - index) : 0;
    return index - this.before[found] + inside;
  }

  /** The index at a position. */
  index(position) {
    let low = 0;
    let high = this.spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.spans[middle][0] - this.before[middle] <= position) low = middle + 1;
      else high = middle;
    }
    return position + this.before[low];
  }

  /** The index shown `steps` after `index` (before it, if negative), kept inside. */
  step(index, steps) {
    return this.index(Math.max(0, Math.min(this.shown - 1, this.position(index) + steps)));
  }
}

/** Columns are an axis with widths: `lefts[p]` is where position p begins, in pixels from the first. */
export class Columns extends Axis {
  constructor(count, spans, widths) {
    super(count, spans);
    this.lefts = [0];
    for (let position = 0; position < this.shown; position += 1) {
      this.lefts.push(this.lefts[position] + (widths[this.index(position)] ?? USUAL_WIDTH));
    }
  }

  get total() {
    return this.lefts.at(-1);
  }

  left(position) {
    return this.lefts[position];
  }

  width(position) {
    return this.lefts[position + 1] - this.lefts[position];
  }

  /** The first position that ends after `pixels`. */
  at(pixels) {
    let low = 0;
    let high = this.shown;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.lefts[middle + 1] > pixels) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
