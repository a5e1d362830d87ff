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
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "standing") {
      const told = event.target.querySelector(".as-of")?.textContent ?? "";
      said.textContent = told;
      slider.setAttribute("aria-valuetext", told);
    }
    dim();
  });
}
