// The editor of the playbook: line numbers that scroll with the text, jumping to a line, and publishing what is typed.
const editor = document.querySelector("[data-editor]");
const area = editor?.querySelector("textarea");
const gutter = editor?.querySelector(".gutter");

const number = () => {
  const lines = area.value.split("\n").length;
  if (gutter.dataset.lines === String(lines)) return;
  gutter.dataset.lines = String(lines);
  gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
};

const goTo = (line) => {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = area.value.indexOf("\n", before);
  area.focus();
  area.setSelectionRange(before, end < 0 ? area.value.length : end);
  const height = parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 6) * height);
};

const fromAddress = () => {
  const asked = /^#line-(\d+)$/.exec(location.hash);
  if (asked) goTo(Number(asked[1]));
};

if (area) {
  area.addEventListener("input", number);
  area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });
  number();
  fromAddress();
  addEventListener("hashchange", fromAddress);
  document.addEventListener("click", (event) => {
    const line = event.target.closest?.("[data-line]");
    if (line) {
      event.preventDefault();
      goTo(Number(line.dataset.line));
    } else if (event.target.closest?.("[data-publish]")) {
      area.form.requestSubmit();
    }
  });
  document.querySelector("[data-start-from]")?.addEventListener("change", (event) => {
    const wanted = event.target.value;
    if (wanted) location.search = wanted === "in-force" ? "?tab=source" : `?tab=source&from=${wanted}`;
  });
}
