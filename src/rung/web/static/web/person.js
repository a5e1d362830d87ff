// The time slider: the sentence above it follows at once from what the server last drew; later events are dimmed.
const slider = document.querySelector("[data-slider]");
const said = document.querySelector("#as-of");

if (slider) {
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "standing") return;
    const told = event.target.querySelector(".as-of")?.textContent ?? "";
    said.textContent = slider.value === slider.max ? `As of today: ${told}` : told;
    document.body.classList.toggle("is-past", slider.value !== slider.max);
  });
}
