// The condition's text: painted beneath the field while it is typed, and sent when it rests or Enter is pressed.
const WORDS = new Set(["and", "or", "not", "in", "true", "false"]);
const TOKEN = /"[^"]*"?|'[^']*'?|[A-Za-z_][\w.]*|\s+|[\d.]+|./gu;

const paint = (box) => {
  const field = box.querySelector("textarea");
  const under = box.querySelector("pre");
  const wrongAt = box.dataset.wrongAt === undefined || field.value !== field.dataset.sent ? -1 : Number(box.dataset.wrongAt);
  const parts = [];
  for (const match of field.value.matchAll(TOKEN)) {
    const [text] = match;
    const span = document.createElement("span");
    span.textContent = text;
    if (WORDS.has(text)) span.className = "word";
    else if (/^[A-Za-z_]/.test(text)) span.className = "fact";
    if (wrongAt >= match.index && wrongAt < match.index + text.length) span.classList.add("wrong");
    parts.push(span);
  }
  under.replaceChildren(...parts);
  box.classList.add("is-painted");
};

const paintAll = () => document.querySelectorAll("[data-condition]").forEach(paint);

document.addEventListener("input", (event) => {
  const box = event.target.closest?.("[data-condition]");
  if (box) paint(box);
});
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("[data-condition] textarea") || event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});
// A chip selects its part of the text, so that it can be typed over.
document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("[data-part]");
  const field = document.querySelector("[data-condition] textarea");
  if (!chip || !field) return;
  const at = field.value.indexOf(chip.dataset.part);
  field.focus();
  if (at >= 0) field.setSelectionRange(at, at + chip.dataset.part.length);
  else field.select();
});
document.addEventListener("htmx:afterSwap", paintAll);
addEventListener("pageshow", paintAll);
paintAll();
