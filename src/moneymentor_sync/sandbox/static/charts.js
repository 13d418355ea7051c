// The charts that lie over a tab's cells: each is drawn once for what it shows, and put where its cell is.

import { draw } from "./chart.js";

export class Charts {
  #drawn = new Map(); // id -> { element, text, chart }

  constructor(grid) {
    this.grid = grid;
    grid.drawn = () => this.#place();
  }

  /** Shows these charts and no other; one that shows the same as before is left alone. */
  show(charts) {
    const gone = new Set(this.#drawn.keys());
    for (const chart of charts) {
      gone.delete(chart.id);
      const text = JSON.stringify(chart);
      if (this.#drawn.get(chart.id)?.text === text) continue;
      this.#drawn.get(chart.id)?.element.remove();
      const element = document.createElement("figure");
      element.className = "chart";
      element.id = `chart-${chart.id}`;
      element.append(draw(chart));
      this.#drawn.set(chart.id, { element, text, chart });
    }
    for (const id of gone) {
      this.#drawn.get(id).element.remove();
      this.#drawn.delete(id);
    }
    this.#place();
  }

  #place() {
    for (const { element, chart } of this.#drawn.values()) {
      const { parent, top, left } = this.grid.box(chart.row, chart.column);
      element.style.left = `${left + chart.x}px`;
      element.style.clipPath = `inset(0 0 0 ${this.grid.covered(left + chart.x)}px)`; // row numbers stay on top
      element.style.top = `${top + chart.y}px`;
      if (element.parentNode !== parent) parent.append(element);
    }
  }
}
