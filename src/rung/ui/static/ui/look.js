// Theme and density: a cookie, so that the server draws the next page right at once, and an attribute for this one.
import { onAct } from "./acts.js";

const year = 60 * 60 * 24 * 365;
const keep = (name, value) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${year}; SameSite=Lax${secure}`;
};

onAct("theme", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.querySelector('meta[name="color-scheme"]').content = root.dataset.theme;
  keep("rung_theme", root.dataset.theme);
});

onAct("density", (from) => {
  const tables = [...document.querySelectorAll("[data-density]")];
  const now = tables[0]?.dataset.density ?? "compact";
  const next = from?.dataset.to ?? (now === "compact" ? "roomy" : "compact");
  for (const table of tables) table.dataset.density = next;
  for (const button of document.querySelectorAll('[data-act="density"][data-to]')) {
    button.setAttribute("aria-pressed", String(button.dataset.to === next));
  }
  keep("rung_density", next);
});

onAct("dismiss", (from) => from.closest(".toast")?.remove());
