// Dialogs opened by [data-opens], and popovers placed under the button that opened them.
export const open = (id) => {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  for (const menu of document.querySelectorAll("[data-menu]:popover-open")) menu.hidePopover();
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("rung:opened"));
};

document.addEventListener("click", (event) => {
  const from = event.target.closest("[data-opens]");
  if (from && !from.matches('[role="option"]')) open(from.dataset.opens);
  // A click on the backdrop closes: the dialog itself is hit only outside its content.
  if (event.target instanceof HTMLDialogElement && event.target.matches(".palette")) event.target.close();
});

let opener = null;
document.addEventListener("pointerdown", (event) => remember(event.target), true);
document.addEventListener("keydown", (event) => remember(event.target), true);
const remember = (target) => {
  const button = target instanceof Element ? target.closest("[popovertarget]") : null;
  if (button) opener = button;
};

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches("[data-menu]") || event.newState !== "open") return;
    const buttons = [...document.querySelectorAll(`[popovertarget="${CSS.escape(menu.id)}"]`)];
    const under = buttons.includes(opener) ? opener : buttons.find((button) => button.offsetParent !== null);
    if (!under) return;
    const at = under.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
    const below = at.bottom + 4;
    menu.style.left = `${left}px`;
    menu.style.top = `${below + height > innerHeight - 8 ? Math.max(8, at.top - height - 4) : below}px`;
    menu.querySelector("[autofocus], input:not([type=hidden]), select, a, button")?.focus();
  },
  true,
);

// What is asked for now and then does not close what somebody is reading.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  if (target?.id === "bell" && target.querySelector(":popover-open") && requestConfig?.verb === "get") event.preventDefault();
});

// Enter in a menu means the menu's own button, also where its fields belong to a form that has others.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
  const button = event.target.closest("[data-menu]")?.querySelector("button[type=submit].pri");
  if (!button) return;
  event.preventDefault();
  button.click();
});
