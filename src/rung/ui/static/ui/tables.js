import { onAct } from "./acts.js";
import { toast } from "./toasts.js";

// Rows of a [data-rows] table by keyboard: j and k move, Enter opens, x selects; the bulk bar says how many are selected.
const table = () => document.querySelector("[data-rows]");
const rows = () => [...(table()?.querySelectorAll("tbody tr") ?? [])];
const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, dialog, [popover]");

const moveTo = (row) => {
  for (const other of rows()) other.classList.toggle("is-cursor", other === row);
  row?.scrollIntoView({ block: "nearest" });
};

const tell = () => {
  const boxes = [...document.querySelectorAll("[data-rows] tbody input[data-select]")];
  const count = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.closest("tr").setAttribute("aria-selected", String(box.checked));
  const all = document.querySelector("[data-rows] thead input[data-select-all]");
  if (all) {
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
  const bar = document.querySelector("[data-bulk]");
  if (bar) {
    bar.hidden = count === 0;
    bar.querySelector("[data-count]").textContent = `${count} selected`;
    bar.setAttribute("aria-label", `${count} selected`);
    // Everybody whom the list holds can be meant once the whole page is.
    const everyone = bar.querySelector("[data-everyone]");
    if (everyone) {
      everyone.hidden = count < boxes.length;
      if (everyone.hidden) everyone.querySelector("input").checked = false;
    }
  }
};

const clear = () => {
  for (const box of document.querySelectorAll("[data-rows] input[type=checkbox]")) box.checked = false;
  tell();
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (!table() || document.querySelector("dialog[open]")) return;
  const all = rows();
  const index = all.findIndex((row) => row.classList.contains("is-cursor"));
  const row = all[index];
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    moveTo(all[Math.max(0, Math.min(all.length - 1, index + (event.key === "j" ? 1 : -1)))]);
  } else if (event.key === "Enter" && row?.dataset.href && !event.target.closest("a, button, input, select")) {
    event.preventDefault();
    location.assign(row.dataset.href);
  } else if (event.key === "x" && row) {
    event.preventDefault();
    const box = row.querySelector("input[data-select]");
    if (box) box.checked = !box.checked;
    tell();
  } else if (event.key === "Escape" && document.querySelector("[data-bulk]:not([hidden])")) {
    clear();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) {
    for (const box of document.querySelectorAll("[data-rows] tbody input[data-select]")) box.checked = event.target.checked;
  }
  if (event.target.matches("[data-select], [data-select-all]")) tell();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-clear-selection]")) clear();
  const row = event.target.closest("[data-rows] tbody tr");
  if (!row) return;
  moveTo(row);
  if (row.dataset.href && !event.target.closest("a, button, input, label") && !String(getSelection())) location.assign(row.dataset.href);
});

document.addEventListener("htmx:afterSwap", tell);
// A page restored by the browser's back button keeps its ticks: say so.
addEventListener("pageshow", tell);

onAct("copy-addresses", async () => {
  const chosen = [...document.querySelectorAll("[data-rows] tbody tr[aria-selected=true]")];
  const addresses = chosen.map((row) => row.dataset.email).filter(Boolean);
  await navigator.clipboard.writeText(addresses.join("\n"));
  const missing = chosen.length - addresses.length;
  toast(`${addresses.length} ${addresses.length === 1 ? "address is" : "addresses are"} on the clipboard${missing ? `, ${missing} people have none` : ""}`);
});
