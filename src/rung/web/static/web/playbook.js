// The editor of the playbook: colours and line numbers that follow the text, faults marked at their lines, and jumps.
const editor = document.querySelector("[data-editor]");
const area = editor?.querySelector("textarea");
const under = editor?.querySelector("pre");
const gutter = editor?.querySelector(".gutter");
const TOKEN = /(^|\s)#.*|"[^"]*"|'[^']*'|[A-Za-z_][\w ./-]*?(?=:(\s|$))|[^\s"'A-Za-z_#]+|\s+|[A-Za-z_]\w*|./gu;

const painted = (line) => {
  const row = document.createElement("span");
  for (const [text, before] of line.matchAll(TOKEN)) {
    const part = document.createElement("span");
    part.textContent = text;
    if (text.trimStart().startsWith("#") && before !== undefined) part.className = "remark";
    else if (/^["']/.test(text)) part.className = "text";
    row.append(part);
  }
  return row;
};

// Keys are coloured where a colon follows; what is quoted or remarked never is.
const keyed = (row) => {
  const parts = [...row.children];
  parts.forEach((part, index) => {
    if (!part.className && /^[A-Za-z_]/.test(part.textContent) && parts[index + 1]?.textContent.startsWith(":")) part.className = "key";
  });
  return row;
};

let drawn = [];
const draw = () => {
  const lines = area.value.split("\n");
  // Only the lines that changed are painted anew: typing in a long file stays light.
  while (under.children.length > lines.length) under.lastChild.remove();
  lines.forEach((line, index) => {
    const old = under.children[index];
    if (old && drawn[index] === line) return;
    const row = keyed(painted(`${line}\n`));
    if (old) old.replaceWith(row);
    else under.append(row);
  });
  drawn = lines;
  while (gutter.children.length > lines.length) gutter.lastChild.remove();
  while (gutter.children.length < lines.length) {
    const number = document.createElement("span");
    number.textContent = gutter.children.length + 1;
    gutter.append(number);
  }
  editor.classList.add("is-painted");
};

const mark = () => {
  const wrong = new Set([...document.querySelectorAll("#verdict [data-fault]")].map((fault) => Number(fault.dataset.line)));
  [...gutter.children].forEach((number, index) => number.classList.toggle("is-wrong", wrong.has(index + 1)));
};

const follow = () => {
  gutter.scrollTop = area.scrollTop;
  under.scrollTop = area.scrollTop;
  under.scrollLeft = area.scrollLeft;
};

const goTo = (line) => {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = area.value.indexOf("\n", before);
  area.focus();
  area.setSelectionRange(before, end < 0 ? area.value.length : end);
  const height = parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 6) * height);
  area.scrollLeft = 0;
};

const fromAddress = () => {
  const asked = /^#line-(\d+)$/.exec(location.hash);
  if (asked) goTo(Number(asked[1]));
};

if (area) {
  area.addEventListener("input", draw);
  area.addEventListener("scroll", follow);
  document.addEventListener("htmx:afterSwap", mark);
  addEventListener("hashchange", fromAddress);
  draw();
  mark();
  fromAddress();
  document.addEventListener("click", (event) => {
    const line = event.target.closest?.("[data-line]");
    if (!line) return;
    event.preventDefault();
    goTo(Number(line.dataset.line));
  });
  document.querySelector("[data-start-from]")?.addEventListener("change", (event) => {
    const wanted = event.target.value;
    if (wanted) location.search = wanted === "in-force" ? "?tab=source" : `?tab=source&from=${wanted}`;
  });
}
