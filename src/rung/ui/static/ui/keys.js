// Keys: one letter acts where no field has the focus; G and a letter goes to a place; arrows move within [data-arrows].
import { open } from "./menus.js";

const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const waiting = { for: null, until: 0 };

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open("palette");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key.startsWith("Arrow") && arrows(event)) return;
  if (waiting.for && Date.now() < waiting.until) {
    waiting.for = null;
    const place = document.querySelector(`[data-go="${CSS.escape(event.key.toLowerCase())}"]`);
    if (place) {
      event.preventDefault();
      place.click();
      return;
    }
  }
  if (event.key === "/") {
    event.preventDefault();
    open("palette");
  } else if (event.key === "?") {
    event.preventDefault();
    open("keys");
  } else if (event.key === "g") {
    Object.assign(waiting, { for: "g", until: Date.now() + 1200 });
  } else {
    const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not([disabled])`);
    if (button && button.offsetParent !== null) {
      event.preventDefault();
      button.click();
      if (button.matches("input, textarea")) button.focus();
    }
  }
});

function arrows(event) {
  const group = event.target instanceof Element ? event.target.closest("[data-arrows]") : null;
  if (!group) return false;
  const items = [...group.querySelectorAll("a, button")].filter((item) => !item.disabled);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const index = items.indexOf(document.activeElement);
  if (!step || index < 0) return false;
  event.preventDefault();
  items[(index + step + items.length) % items.length].focus();
  return true;
}
