// What went wrong, in words, for a while or until it is over.

const SHOWN_FOR = 10_000; // ms

const element = document.getElementById("alert");
let timer = 0;

export function complain(error, { stays = false } = {}) {
  clearTimeout(timer);
  element.textContent = error.message;
  element.hidden = false;
  if (!stays) timer = setTimeout(calm, SHOWN_FOR);
}

export function calm() {
  element.hidden = true;
}
