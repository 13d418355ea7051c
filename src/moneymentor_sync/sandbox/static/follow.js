// Looks for changes about once a second, and not at all while nobody can see the page.

import { calm, complain } from "./alert.js";
import * as api from "./api.js";

const LOOK_EVERY = 1000; // ms
const STATES = {
  live: "live",
  lost: "no connection",
  gone: "not found",
};

export class Follower {
  #book = null;
  #timer = 0;
  #state = "";

  /** `element` shows whether the page is up to date. */
  constructor(element) {
    this.element = element;
  }

  /** Has the book look from now on. */
  async start(book) {
    this.#book = book;
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
    await this.#look(true);
  }

  async #look(anyway = false) {
    try {
      await this.#book.look(anyway);
      this.#say("live");
    } catch (error) {
      this.failed(error);
    }
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.#look(), LOOK_EVERY);
  }

  /** Says why the sandbox could not be asked. */
  failed(error) {
    if (error instanceof api.Silent) this.#say("lost", error);
    else if (error instanceof api.Refused && error.status === 404) {
      this.#say("gone", new Error("This spreadsheet is not in the sandbox."));
    } else complain(error);
  }

  #say(state, error) {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    this.element.className = state;
    this.element.textContent = STATES[state];
    if (error) complain(error, { stays: true });
    else if (before) calm();
  }
}
