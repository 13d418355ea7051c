// The tabs at the bottom: one is chosen, hidden ones are shown on demand and marked.

export class Tabs {
  #drawn = "";

  /** `chosen(sheetId)` is called when a person chooses a tab. */
  constructor(list, toggle, chosen) {
    Object.assign(this, { list, toggle, chosen, showHidden: false });
    toggle.addEventListener("click", () => {
      this.showHidden = !this.showHidden;
      this.draw(this.tabs, this.current);
    });
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  /** A hidden tab that is the current one is shown in any case. */
  draw(tabs, current) {
    Object.assign(this, { tabs, current });
    const hidden = tabs.filter((tab) => tab.hidden).length;
    this.toggle.hidden = hidden === 0;
    this.toggle.ariaPressed = String(this.showHidden);
    this.toggle.textContent = `${this.showHidden ? "Hide" : "Show"} ${hidden} hidden tab${hidden === 1 ? "" : "s"}`;
    const shown = tabs.filter((tab) => !tab.hidden || this.showHidden || tab.sheetId === current);
    const drawn = JSON.stringify([current, shown.map(({ sheetId, title, hidden }) => [sheetId, title, hidden])]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...shown.map((tab) => this.#tab(tab)));
    const selected = this.list.querySelector("[aria-selected=true]");
    selected?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focused) selected?.focus();
  }

  #tab(tab) {
    const element = document.createElement("button");
    element.type = "button";
    element.role = "tab";
    element.id = `tab-${tab.sheetId}`;
    element.textContent = tab.title;
    const selected = tab.sheetId === this.current;
    element.ariaSelected = String(selected);
    element.tabIndex = selected ? 0 : -1;
    element.setAttribute("aria-controls", "panel");
    element.title = `${tab.rows.toLocaleString("en")} rows × ${tab.columns.toLocaleString("en")} columns`;
    if (tab.hidden) {
      element.classList.add("is-hidden");
      const mark = document.createElement("span");
      mark.className = "badge";
      mark.textContent = "hidden";
      element.append(" ", mark);
    }
    element.addEventListener("click", () => this.chosen(tab.sheetId));
    return element;
  }

  #key(event) {
    const all = [...this.list.children];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    all.at(next % all.length).click();
  }
}
