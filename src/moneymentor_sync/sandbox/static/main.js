// The page: which spreadsheet and tab it shows, and how it follows what happens in the sandbox.

import { calm, complain } from "./alert.js";
import * as api from "./api.js";
import { cellName } from "./axis.js";
import { Cells } from "./cells.js";
import { Charts } from "./charts.js";
import { Cursor } from "./cursor.js";
import { Editor, entryOf } from "./editor.js";
import { fitted } from "./fit.js";
import { Follower } from "./follow.js";
import { Grid } from "./grid.js";
import { Note } from "./note.js";
import { Tabs } from "./tabs.js";

const MOVES_EVERY = 20_000; // ms after which a tab whose rules ask for the time is looked at again
const MEASURED = { rows: 50, columns: 50 }; // cells that decide on the widths of columns

const $ = (id) => document.getElementById(id);
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

/** One spreadsheet on the screen. */
class Book {
  #cells = null;
  #known = null; // the last layout
  #looked = 0; // when it was fetched
  #showHidden = false;
  #widths = null; // by column; measured once, so that columns do not jump while one looks
  #goal = null; // the first row that changed out of view
  #following = false;

  /** `failed(error)` is called when cells could not be fetched. */
  constructor(id, failed) {
    Object.assign(this, { id, failed });
    this.grid = new Grid($("grid"));
    this.note = new Note($("note"), this.grid);
    this.charts = new Charts(this.grid);
    this.cursor = new Cursor(this.grid, () => this.#tell(), (text) => this.edit(text));
    this.editor = new Editor(this.grid, {
      write: (row, column, text) => this.#write(row, column, text),
      left: (rows, columns) => this.#typed(rows, columns),
      complain,
    });
    this.tabs = new Tabs($("tabs"), $("hidden-tabs"), (sheetId) => this.choose(sheetId));
    $("edit").addEventListener("click", () => this.edit(null));
    $("go").addEventListener("click", () => this.#go());
    $("follow").addEventListener("click", () => this.#toggleFollowing());
    $("hidden-cells").addEventListener("click", () => this.#toggleHidden());
    addEventListener("hashchange", () => this.look(true).catch(complain));
  }

  /** The tab that the address names: `#gid=123`, as at Google. */
  get #wanted() {
    const found = /^#gid=(\d+)$/.exec(location.hash);
    return found ? Number(found[1]) : null;
  }

  /** Looks whether anything changed, or `anyway`, and shows it. */
  async look(anyway = false) {
    const due = this.#known?.sheet.moving && performance.now() - this.#looked > MOVES_EVERY;
    if (!anyway && !due && (await api.version(this.id)) === this.#known?.version) {
      this.grid.draw(); // asks again for what did not arrive
      return;
    }
    this.#looked = performance.now();
    const found = await api.layout(this.id, this.#wanted, this.#known?.version);
    const sameTab = this.#cells?.sheetId === found.sheet.sheetId;
    this.#known = found;
    if (sameTab) this.#cells.renew(found.sheet);
    else this.#turnTo(found.sheet);
    if (this.#wanted !== found.sheet.sheetId) history.replaceState(null, "", `#gid=${found.sheet.sheetId}`);
    this.#show();
    if (sameTab) this.#report(found.sheet);
  }

  #turnTo(sheet) {
    this.editor.close();
    this.cursor.drop();
    this.#cells = new Cells(this.id, sheet, () => this.#arrived(), this.failed);
    this.#widths = null;
    $("grid").scrollTo(0, 0);
    $("changes").textContent = "";
    $("go").hidden = true;
  }

  /** Says what changed, and the way there where it is out of view. */
  #report({ changed, changedRows }) {
    if (!changed) return;
    $("changes").textContent = `${count(changed, "row")} changed at ${new Date().toLocaleTimeString("en-GB")}`;
    const shown = changedRows.filter((row) => !this.grid.rows.isHidden(row));
    this.#goal = shown.find((row) => !this.grid.sees(row)) ?? null;
    const allOutOfView = !shown.some((row) => this.grid.sees(row));
    $("go").hidden = this.#goal === null;
    if (this.#goal === null) return;
    $("go").textContent = `Show row ${(this.#goal + 1).toLocaleString("en")}`;
    if (this.#following && allOutOfView && !this.editor.isOpen) this.#go();
  }

  #go() {
    this.#cells.markRow(this.#goal);
    this.grid.center(this.#goal);
    $("go").hidden = true;
  }

  #toggleFollowing() {
    this.#following = !this.#following;
    $("follow").ariaPressed = String(this.#following);
  }

  #show() {
    const { title, tabs, sheet } = this.#known;
    $("title").textContent = title;
    document.title = `${title} – sandbox`;
    this.tabs.draw(tabs, sheet.sheetId);
    $("panel").setAttribute("aria-labelledby", `tab-${sheet.sheetId}`);
    const size = `${count(sheet.rows, "row")} × ${count(sheet.columns, "column")}`;
    $("size").textContent = `${size}, ${count(sheet.filledRows, "row")} filled`;
    this.#showToggle(sheet);
    this.grid.show(this.#cells, { ...sheet, widths: { ...this.#widths, ...sheet.widths } }, this.#showHidden);
    this.charts.show(sheet.charts);
    if (this.cursor.cell) this.cursor.put(this.cursor.cell.row, this.cursor.cell.column, { reveal: false });
    this.#tell();
  }

  #showToggle({ hiddenRows, hiddenColumns }) {
    const total = (spans) => spans.reduce((sum, [start, end]) => sum + end - start, 0);
    const [rows, columns] = [total(hiddenRows), total(hiddenColumns)];
    const parts = [columns && count(columns, "hidden column"), rows && count(rows, "hidden row")].filter(Boolean);
    $("hidden-cells").hidden = parts.length === 0;
    $("hidden-cells").ariaPressed = String(this.#showHidden);
    $("hidden-cells").textContent = `${this.#showHidden ? "Hide" : "Show"} ${parts.join(" and ")}`;
  }

  #toggleHidden() {
    this.#showHidden = !this.#showHidden;
    this.#show();
  }

  #arrived() {
    if (!this.#widths && this.#cells.get(0, 0)) this.#measure();
    else this.grid.draw();
    this.#tell();
  }

  #measure() {
    const { sheet } = this.#known;
    const columns = Math.min(MEASURED.columns, sheet.columns);
    const rows = Math.min(MEASURED.rows, sheet.rows);
    this.#widths = fitted(rows, columns, (row, column) => this.#cells.get(row, column));
    this.#show();
  }

  /** Says what is under the cursor. */
  #tell() {
    const cell = this.cursor.cell;
    $("address").textContent = cell ? cellName(cell.row, cell.column) : "";
    $("content").textContent = cell ? entryOf(this.#cells.get(cell.row, cell.column)) : "";
    $("edit").disabled = !cell;
    this.note.showOfCursor();
  }

  choose(sheetId) {
    location.hash = `gid=${sheetId}`; // its change brings the tab
  }

  /** Starts typing into the cell under the cursor; null keeps what is there. */
  edit(text) {
    const cell = this.cursor.cell;
    if (!cell || this.editor.isOpen) return;
    this.grid.reveal(cell.row, cell.column);
    this.note.show(null);
    this.editor.open(cell.row, cell.column, text);
  }

  async #write(row, column, text) {
    await api.type(this.id, this.#known.sheet.title, row, column, text);
    calm();
    await this.look(true);
  }

  #typed(rows, columns) {
    $("grid").focus({ preventScroll: true });
    if (rows || columns) this.cursor.move(rows, columns);
    this.#tell();
  }
}

function list(found) {
  $("list").hidden = false;
  if (!found.length) $("spreadsheets").textContent = "There is none yet.";
  for (const { id, title, tabs } of found) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/spreadsheets/${encodeURIComponent(id)}`;
    link.textContent = title;
    const facts = document.createElement("span");
    facts.textContent = `${count(tabs.length, "tab")}: ${tabs.map((tab) => tab.title).join(", ")}`;
    item.append(link, facts);
    $("spreadsheets").append(item);
  }
}

async function main() {
  const all = await api.spreadsheets();
  let [, id] = /^\/spreadsheets\/([^/]+)/.exec(location.pathname) ?? [];
  if (!id && all.length === 1) {
    id = encodeURIComponent(all[0].id);
    history.replaceState(null, "", `/spreadsheets/${id}${location.hash}`);
  }
  if (!id) return list(all);
  $("all").hidden = all.length < 2;
  $("book").hidden = false;
  const follower = new Follower($("live"));
  await follower.start(new Book(decodeURIComponent(id), (error) => follower.failed(error)));
}

main().catch(complain);
