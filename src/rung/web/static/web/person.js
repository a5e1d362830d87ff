// The time slider: what the server drew for that day is told at the slider, and events of later days are dimmed.
const slider = document.querySelector("[data-slider]");
const said = document.querySelector("#as-of");

const dim = () => {
  const isPast = slider && slider.value !== slider.max;
  const until = Number(document.querySelector("#standing .as-of")?.dataset.until);
  for (const entry of document.querySelectorAll("#timeline [data-at]")) {
    entry.classList.toggle("is-later", Boolean(isPast) && Number(entry.dataset.at) > until);
  }
};

if (slider) {
  // While it moves, ask at most every 90 ms, and always for where it came to rest.
  let soon = 0;
  slider.addEventListener("input", () => {
    if (soon) return;
    soon = setTimeout(() => {
      soon = 0;
      slider.dispatchEvent(new Event("day"));
    }, 90);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "standing") {
      const told = event.target.querySelector(".as-of")?.textContent ?? "";
      said.textContent = told;
      slider.setAttribute("aria-valuetext", told);
    }
    dim();
  });
}
