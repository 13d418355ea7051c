// The note of a cell, shown beside it while the pointer or the cursor is on it.

const APART = 6; // pixels

export class Note {
  constructor(element, grid) {
    Object.assign(this, { element, grid });
    const of = (event) => event.target.closest?.(".noted");
    grid.element.addEventListener("mouseover", (event) => this.show(of(event) ?? this.#ofCursor()));
    grid.element.addEventListener("mouseleave", () => this.show(this.#ofCursor()));
    grid.element.addEventListener("scroll", () => this.show(null), { passive: true });
    grid.element.addEventListener("blur", () => this.show(null));
  }

  /** Shows the note of the cell that the cursor is on, or none. */
  showOfCursor() {
    this.show(this.#ofCursor());
  }

  #ofCursor() {
    const cell = this.grid.pointed;
    return cell?.classList.contains("noted") && document.activeElement === this.grid.element ? cell : null;
  }

  show(cell) {
    this.element.hidden = !cell;
    if (!cell) return;
    this.element.textContent = cell.dataset.note;
    const box = cell.getBoundingClientRect();
    const width = this.element.offsetWidth;
    const right = box.right + APART;
    const left = right + width < innerWidth ? right : box.left - APART - width;
    this.element.style.left = `${Math.max(APART, left)}px`;
    this.element.style.top = `${Math.max(APART, Math.min(box.top, innerHeight - this.element.offsetHeight - APART))}px`;
  }
}
