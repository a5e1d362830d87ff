// The time slider: what the server drew for that day is told at the slider, and events of later days are dimmed.
// It comes with the whole history, after the page: so everything here is looked up when it is used.
const slider = () => document.querySelector("[data-slider]");

const dim = () => {
  const at = slider();
  const isPast = at && at.value !== at.max;
  const until = Number(document.querySelector("#standing .as-of")?.dataset.until);
  for (const entry of document.querySelectorAll("#timeline [data-at]")) {
    entry.classList.toggle("is-later", Boolean(isPast) && Number(entry.dataset.at) > until);
  }
};

// While it moves, ask at most every 90 ms, and always for where it came to rest.
let soon = 0;
document.addEventListener("input", (event) => {
  if (soon || event.target !== slider()) return;
  soon = setTimeout(() => {
    soon = 0;
    slider()?.dispatchEvent(new Event("day"));
  }, 90);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "standing" && slider()) {
    const told = event.target.querySelector(".as-of")?.textContent ?? "";
    document.querySelector("#as-of").textContent = told;
    slider().setAttribute("aria-valuetext", told);
  }
  dim();
});

// What sales notes, by the same keys as on Today, once it is open.
document.addEventListener("keydown", (event) => {
  const work = document.querySelector("#work .work");
  if (!work || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]") || event.target.closest("input, textarea, select, [popover]")) return;
  const found = /^[1-9]$/.test(event.key)
    ? work.querySelector(`[data-call] [data-digit="${event.key}"]`)
    : "eyncw".includes(event.key) && work.querySelector(`[data-do="${event.key}"]`);
  const ask = event.key === "q" && work.querySelector(".next input:not([type=hidden]), .next select");
  if (!found && !ask) return;
  event.preventDefault();
  if (ask) return ask.focus();
  if (found.form) window.htmx.process(found.form);
  found.click();
});

// Whoever stands on another rung than when this page was last shown is seen to move there: once, and for 320 ms.
const steps = [...document.querySelectorAll("#strip li")];
const here = steps.findIndex((step) => step.classList.contains("here"));
const kept = `rung of ${location.pathname}`;
const before = Number(sessionStorage.getItem(kept) ?? here);
if (here > before) for (const step of steps.slice(before + 1, here + 1)) step.classList.add("is-new");
if (here < before) steps[here]?.classList.add("is-new");
sessionStorage.setItem(kept, String(here));
