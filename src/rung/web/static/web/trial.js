// The draft beside its backtest: what is typed or pulled is replayed, the slider writes the number where it stands.
const area = document.querySelector("#source textarea[name=text]");
const source = document.querySelector("#source");
let waiting = 0;

const tried = (delay) => {
  clearTimeout(waiting);
  waiting = setTimeout(() => document.body.dispatchEvent(new CustomEvent("tried")), delay);
};

if (area && source) {
  area.addEventListener("input", () => tried(180));
  source.addEventListener("change", (event) => event.target.matches("#period, #subset") && tried(0));
  // Enter in the field of people asks for the trial; it must not put the text in force.
  source.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("#subset")) return;
    event.preventDefault();
    tried(0);
  });

  // The slider was made for a text: where that has changed under it, it waits until it is made anew.
  document.addEventListener("input", (event) => {
    const slider = event.target.closest?.("[data-turn]");
    if (!slider) return;
    const { begin, end, suffix } = slider.dataset;
    const number = `${slider.value}${suffix}`;
    if (!/^-?[\d.]+[a-z]?$/i.test(area.value.slice(begin, end))) return;
    area.value = area.value.slice(0, begin) + number + area.value.slice(end);
    slider.dataset.end = Number(begin) + number.length;
    slider.parentElement.querySelector("output").textContent = slider.value;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // While somebody pulls, the panel of the slider stays as it is; the mark moves when they let go. The curve of a text that has
  // changed since it was asked for is dropped: the one for the new text is on its way. A slider that has the keys outlives its
  // panel, which may come without one (being replayed, refused): a key pressed meanwhile would be lost.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target?.id !== "curve") return;
    const slider = document.activeElement?.closest("[data-turn]");
    const asked = detail.requestConfig?.parameters?.text;
    const isOld = asked !== undefined && String(asked).replaceAll("\r", "") !== area.value;
    if (isOld || slider?.matches(":active")) detail.shouldSwap = false;
    else kept = slider?.closest(".turning");
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!kept) return;
    const made = document.querySelector("#curve .turning");
    if (made) made.replaceWith(kept);
    else document.querySelector("#curve")?.append(kept);
    kept.querySelector("[data-turn]").focus();
    kept = null;
  });
  document.addEventListener("change", (event) => event.target.closest?.("[data-turn]") && tried(0));
}
