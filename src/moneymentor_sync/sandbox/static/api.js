// What the page asks of the sandbox. Every failure is an Error whose message can be shown to a person.

const ROOT = "/_sandbox";
const PATIENCE = 15_000; // ms

/** The sandbox answered, and said no. `status` is that of HTTP. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The sandbox did not answer: it was stopped, or is being started again. */
export class Silent extends Error {}

async function call(path, options = {}) {
  let answer, body;
  try {
    answer = await fetch(ROOT + path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    body = await answer.json();
  } catch {
    throw new Silent("The sandbox does not answer. Is it still running?");
  }
  if (!answer.ok) throw new Refused(body?.error?.message ?? `The sandbox answered ${answer.status}.`, answer.status);
  return body;
}

const at = (id) => `/spreadsheets/${encodeURIComponent(id)}`;

export const spreadsheets = () => call("/spreadsheets");

export const version = async (id) => (await call(`${at(id)}/version`)).version;

/**
 * The tabs, and the measures of one: of the first worth seeing where `sheetId` is null or gone. In it
 * `changedRows`: the rows that changed since the version `since`, as far as the sandbox remembers that.
 */
export const layout = (id, sheetId, since) =>
  call(`${at(id)}/layout?sheetId=${sheetId ?? ""}&since=${since ?? ""}`);

/** A window of cells: rows of `{text, type, entry?, formula?, note?, bold?, …}`, blank ends cut. */
export const cells = (id, sheetId, row, rows, column, columns) =>
  call(`${at(id)}/grid?${new URLSearchParams({ sheetId, row, rows, column, columns })}`);

/** Types `text` into a cell, as the spreadsheet's owner would. */
export const type = (id, tab, row, column, text) =>
  call("/edit", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ edit: "type", spreadsheet_id: id, tab, row, column, text }),
  });
