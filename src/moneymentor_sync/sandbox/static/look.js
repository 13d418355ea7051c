// How a cell looks: its text, its format and its marks. Texts are strangers' and are only ever set as text.

import { MARKED_FOR } from "./cells.js";

/** Shows that the cursor is on a cell, or that it has left. */
export function choose(element, chosen) {
  if (!element) return;
  element.classList.toggle("chosen", chosen);
  if (chosen) element.ariaSelected = "true";
  else element.removeAttribute("aria-selected");
}

/** The mark of a change fades; one that is drawn anew goes on where it was. */
export function mark(element, age) {
  element.classList.add("changed");
  element.style.animationDuration = `${MARKED_FOR}ms`;
  element.style.animationDelay = `${-age}ms`;
}

const USUAL_SIDE = { number: "right", bool: "center", error: "center" };

/** Gives an element the text and the format of a cell. */
export function dress(element, cell) {
  element.textContent = cell.text ?? "";
  const side = cell.alignment ?? USUAL_SIDE[cell.type];
  if (side === "right" || side === "center") element.classList.add(side);
  if (cell.type === "error") element.classList.add("error");
  for (const name of ["bold", "italic", "strikethrough"]) if (cell[name]) element.classList.add(name);
  if (cell.background && cell.background !== "#ffffff") {
    element.style.backgroundColor = cell.background;
    element.classList.add(isLight(cell.background) ? "on-light" : "on-dark");
  }
  if (cell.color) element.style.color = cell.color;
  if (cell.note) {
    element.classList.add("noted");
    element.dataset.note = cell.note;
    element.setAttribute("aria-description", `Note: ${cell.note}`);
  }
}

function isLight(color) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140;
}

/** "Column A is hidden", "Rows 3 to 9 are hidden" */
export function name(what, start, end, shown) {
  if (end - start === 1) return `${what} ${shown(start)} is hidden`;
  return `${what}s ${shown(start)} to ${shown(end - 1)} are hidden`;
}

/** The mark where something is left out. */
export function gap(side, text) {
  const element = document.createElement("span");
  element.className = `gap ${side}`;
  element.role = "img";
  element.title = element.ariaLabel = text;
  return element;
}
