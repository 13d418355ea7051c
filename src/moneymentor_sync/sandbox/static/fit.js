// How wide columns are drawn that nobody gave a width: as wide as what is in their first rows, within limits.

const LEAST = 60;
const MOST = 260;
const PADDING = 14;

const pen = document.createElement("canvas").getContext("2d");

/** Pixels by column; blank columns are left out. `cell(row, column)` gives the cells to measure. */
export function fitted(rows, columns, cell) {
  const font = getComputedStyle(document.body);
  const found = {};
  for (let column = 0; column < columns; column += 1) {
    let widest = 0;
    for (let row = 0; row < rows; row += 1) {
      const { text, bold } = cell(row, column) ?? {};
      if (!text) continue;
      pen.font = `${bold ? 700 : 400} ${font.fontSize} ${font.fontFamily}`;
      widest = Math.max(widest, pen.measureText(text.slice(0, MOST)).width);
    }
    if (widest) found[column] = Math.ceil(Math.min(MOST, Math.max(LEAST, widest + PADDING)));
  }
  return found;
}
