// Today by keyboard: j and k move, Enter opens, one letter acts on the row under the cursor. Clocks run on while one looks.
import { toast } from "../ui/toasts.js";

const htmx = window.htmx;
const list = () => document.querySelector("[data-todos]");
const rows = () => [...document.querySelectorAll("[data-todo]")];
const typing = (target) =>
  target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, dialog, [popover]");
const current = () => document.querySelector("[data-todo].is-cursor") ?? document.querySelector("[data-todo].open") ?? rows()[0];
const panelOf = (row) => row?.querySelector(".exp");

const moveTo = (row) => {
  if (!row) return;
  for (const other of rows()) other.classList.toggle("is-cursor", other === row);
  row.querySelector("[data-toggle]")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

const mark = (row, isOpen) => {
  row.classList.toggle("open", isOpen);
  row.querySelector("[data-toggle]")?.setAttribute("aria-expanded", String(isOpen));
  const panel = panelOf(row);
  if (panel) panel.hidden = !isOpen;
};

const close = (row) => mark(row, false);

const open = async (row) => {
  for (const other of rows()) if (other !== row && other.classList.contains("open")) close(other);
  mark(row, true);
  const panel = panelOf(row);
  if (panel && !panel.querySelector("form, .came, .work")) await htmx.ajax("GET", row.dataset.panel, { target: panel, swap: "innerHTML" });
};

const show = (button) => {
  const verdict = button.closest(".verdict");
  for (const other of verdict.querySelectorAll("[data-shows]")) {
    const form = document.getElementById(other.dataset.shows);
    const isIt = other === button && form.hidden;
    form.hidden = !isIt;
    other.setAttribute("aria-expanded", String(isIt));
    other.classList.toggle("is-active", isIt);
  }
  // One primary in a view: while a reason is chosen, the one that confirms is it.
  const isChoosing = verdict.querySelector("[data-shows].is-active") !== null;
  verdict.querySelector('[data-do="a"]')?.classList.toggle("pri", !isChoosing);
};

const shut = (row) => {
  const button = row?.querySelector("[data-shows].is-active");
  if (!button) return false;
  show(button);
  button.focus();
  return true;
};

const accept = (row) => {
  row.classList.add("is-going");
  return htmx.ajax("POST", row.dataset.accept, { target: row, swap: "outerHTML" });
};

const act = async (row, key) => {
  if (key === "a" && row.dataset.accept && !row.classList.contains("open")) return accept(row);
  if (!row.classList.contains("open")) await open(row);
  if (key === "l") {
    row.querySelector("[data-call] button")?.focus();
    row.dataset.logs = "yes";
    return undefined;
  }
  if (key === "q") {
    row.querySelector(".next input:not([type=hidden]), .next select")?.focus();
    return undefined;
  }
  return press(row.querySelector(`[data-do="${key}"]`));
};

// What was just swapped in is htmx's only some milliseconds later: a key that is faster would send the form as a plain
// one, and the page away.
const press = (button) => {
  if (button?.form) htmx.process(button.form);
  return button?.click();
};

const digit = (row, key) => {
  const form = [...row.querySelectorAll(".verdict form:not([hidden])")].find((one) => one.querySelector("[data-digit]"));
  const choice = (form ?? row.querySelector("[data-call]"))?.querySelector(`[data-digit="${key}"]`);
  if (!choice) return false;
  press(choice);
  if (choice.matches("input")) choice.focus();
  return true;
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || !list()) return;
  if (document.querySelector("dialog[open]")) return;
  const row = current();
  if (event.key === "Escape") {
    if (typing(event.target)) event.target.blur();
    else if (shut(row)) event.preventDefault();
    else if (row?.classList.contains("open")) close(row);
    return;
  }
  if (typing(event.target) || !row) return;
  const all = rows();
  const index = all.indexOf(row);
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    const isPlaced = document.querySelector("[data-todo].is-cursor") !== null;
    moveTo(isPlaced ? all[Math.max(0, Math.min(all.length - 1, index + (event.key === "j" ? 1 : -1)))] : row);
  } else if (event.key === "Enter" && event.target.matches("input[type=radio]")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.key === "Enter" && !event.target.closest("a, button, input, summary")) {
    event.preventDefault();
    if (row.classList.contains("open")) close(row);
    else open(row);
  } else if (event.key === "o") {
    location.assign(row.dataset.person);
  } else if (/^[1-9]$/.test(event.key)) {
    if (digit(row, event.key)) event.preventDefault();
  } else if (event.key === "u") {
    if (takeBack()) event.preventDefault();
  } else if ("xds".includes(event.key) && row.querySelector(".tick input")) {
    event.preventDefault();
    task(row, event.key);
  } else if ("artleqyncw".includes(event.key)) {
    event.preventDefault();
    act(row, event.key);
  }
});

// Tasks: x chooses one or several, d is done, s is tomorrow; without any chosen the one under the cursor is meant.
const task = (row, key) => {
  const box = row.querySelector(".tick input");
  if (key === "x") {
    box.checked = !box.checked;
    return;
  }
  if (!document.querySelector(".tick input:checked")) box.checked = true;
  document.querySelector(`.grp-acts [value="${key === "d" ? "done" : "day"}"]`).click();
};

document.addEventListener("click", (event) => {
  const shows = event.target.closest("[data-shows]");
  if (shows) return show(shows);
  if (event.target.closest("[data-closes]")) return shut(event.target.closest("[data-todo]"));
  const row = event.target.closest("[data-todo]");
  if (!row || event.target.closest("a, .exp, label, select, form") || String(getSelection())) return undefined;
  moveTo(row);
  return row.classList.contains("open") ? close(row) : open(row);
});

document.addEventListener("change", (event) => {
  const choice = event.target.closest("[data-then]");
  const said = choice?.form?.querySelector("[data-consequence]");
  if (said) said.textContent = choice.dataset.then;
});
// A day typed beside its reason chooses that reason.
document.addEventListener("input", (event) => {
  const radio = event.target.closest(".opt")?.querySelector("input[type=radio]");
  if (radio && event.target !== radio) {
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// The last answer can be taken back, wherever the cursor went since.
const takeBack = () => {
  const buttons = [...document.querySelectorAll('[data-do="u"]')];
  const button = buttons.find((one) => one.getAttribute("hx-post") === answered) ?? buttons.at(-1);
  if (!button) return false;
  open(button.closest("[data-todo]"));
  htmx.process(button);
  button.click();
  said?.remove();
  return true;
};
let answered = null;
let said = null;
document.addEventListener("rung:answered", (event) => {
  answered = event.detail.undo;
  said = toast(event.detail.said, takeBack);
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb === "post") event.target.closest?.("[data-todo]")?.classList.add("is-going");
});
document.addEventListener("htmx:afterRequest", () => document.querySelector(".is-going")?.classList.remove("is-going"));
// Only once it is settled: before, what was swapped in still has the classes of what it replaced.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.verb !== "post") return;
  const row = event.target.closest?.("[data-todo]");
  if (!row) return;
  // What was noted since stands in the way of taking the answer back; and the day's title is another one now.
  if (event.target.matches("[data-work]") && !event.target.querySelector(":scope > .came.bad")) {
    for (const button of row.querySelectorAll('[data-do="u"]')) button.remove();
    said?.remove();
  }
  document.body.dispatchEvent(new Event("rung:day"));
  const isOver = row.classList.contains("is-done") && row.querySelector("[data-work]") === null;
  const next = rows().slice(rows().indexOf(row) + 1).find((other) => !other.classList.contains("is-done"));
  moveTo((isOver && next) || row);
});

// The words of a clock, as the server says them.
const minutes = (seconds) => {
  const all = Math.floor(seconds / 60);
  if (all < 60) return `${all} min`;
  const hours = Math.floor(all / 60);
  if (hours < 24) return all % 60 ? `${hours} h ${String(all % 60).padStart(2, "0")}` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 10 ? `${days} d ${hours % 24} h` : `${days} d`;
};
const began = Date.now();
const run = () => {
  for (const box of document.querySelectorAll("[data-clock][data-runs]")) {
    box.dataset.began ??= String(Date.now());
    const left = Number(box.dataset.left) - (Date.now() - Number(box.dataset.began)) / 1000;
    const clock = box.querySelector(".clock");
    const words = clock.lastChild;
    words.textContent = left > 0 ? `${minutes(left)} left` : `${minutes(-left)} late`;
    clock.classList.toggle("bad", left < 1800);
    clock.classList.toggle("warn", left >= 1800 && left < 3600);
    clock.querySelector(".left").setAttribute("stroke-dasharray", `${Math.max(0, Math.min(100, (100 * left) / Number(box.dataset.total)))} 100`);
  }
  // After a while the order of the day is another one: ask anew when nobody is in the middle of something.
  if (Date.now() - began > 300000 && !document.querySelector(".todo-row.open form:focus-within")) location.reload();
};
run();
setInterval(run, 15000);
