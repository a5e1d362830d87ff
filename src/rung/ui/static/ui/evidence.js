// Points and events light each other, both ways: [data-event="seq"] and [data-events="seq seq"].
const seqs = (element) => new Set((element.dataset.events ?? element.dataset.event ?? "").split(" ").filter(Boolean));

const light = (from) => {
  const wanted = from ? seqs(from) : new Set();
  for (const other of document.querySelectorAll("[data-event], [data-events]")) {
    const isLit = other !== from && [...seqs(other)].some((seq) => wanted.has(seq));
    other.classList.toggle("is-lit", isLit);
  }
};

const over = (event) => light(event.target instanceof Element ? event.target.closest("[data-event], [data-events]") : null);
document.addEventListener("pointerover", over);
document.addEventListener("focusin", over);
