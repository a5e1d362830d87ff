// The command palette: people and companies come from the server as options, commands are filtered here.
import { act } from "./acts.js";
import { open } from "./menus.js";

const palette = document.getElementById("palette");
if (palette) {
  const input = palette.querySelector("input");
  const results = palette.querySelector("[data-results]");
  const commands = palette.querySelector("[data-commands]");
  let asking = null;
  let chosen = null;

  const options = () => [...palette.querySelectorAll('[role="option"]')].filter((option) => !option.hidden);

  const choose = (option) => {
    chosen?.setAttribute("aria-selected", "false");
    chosen = option ?? null;
    if (!chosen) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    chosen.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  };

  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of commands.querySelectorAll('[role="option"]')) {
      const said = `${option.textContent.toLowerCase()} ${option.dataset.words}`;
      option.hidden = !words.every((word) => said.includes(word));
    }
    // What was found for fewer letters stays only as far as it still fits, so that Enter never opens the wrong one.
    for (const option of results.querySelectorAll('[role="option"]')) {
      option.hidden = option.id === "found-all" || !words.every((word) => option.textContent.toLowerCase().includes(word));
    }
    commands.hidden = !commands.querySelector('[role="option"]:not([hidden])');
  };

  const ask = async () => {
    const wanted = input.value.trim();
    asking?.abort();
    if (!wanted) {
      results.replaceChildren();
      choose(options()[0]);
      return;
    }
    asking = new AbortController();
    try {
      const answer = await fetch(`${palette.dataset.search}?q=${encodeURIComponent(wanted)}`, {
        signal: asking.signal,
        headers: { "HX-Request": "true" },
      });
      if (answer.redirected || answer.status === 403) location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      results.replaceChildren(...page.body.childNodes);
      choose(options()[0]);
    } catch (fault) {
      if (fault.name === "AbortError") return;
      const note = document.createElement("p");
      note.className = "none";
      note.textContent = "Search did not answer. Commands still work; try again in a moment.";
      results.replaceChildren(note);
    }
  };

  const run = (option) => {
    if (!option) return;
    palette.close();
    if (option.dataset.href) location.assign(option.dataset.href);
    else if (option.dataset.opens) open(option.dataset.opens);
    else act(option.dataset.act);
  };

  let soon = 0;
  input.addEventListener("input", () => {
    filter();
    choose(options()[0]);
    clearTimeout(soon);
    soon = setTimeout(ask, 60);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const index = all.indexOf(chosen);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(all[(index + step + all.length) % all.length]);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      run(chosen);
    }
  });
  palette.addEventListener("click", (event) => run(event.target.closest('[role="option"]')));
  palette.addEventListener("rung:opened", () => {
    input.value = "";
    results.replaceChildren();
    filter();
    choose(options()[0]);
    input.focus();
  });
}
