// The form editor: questions move by drag and by key, and the preview follows what is typed. Without this script the
// same buttons ask the server.
const editor = document.getElementById("editor");
const rows = editor.querySelector("[data-rows]");
const preview = document.getElementById("preview");

let asking = null;
let soon = 0;
const show = () => {
  clearTimeout(soon);
  soon = setTimeout(async () => {
    asking?.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(editor.dataset.preview, { method: "POST", body: new FormData(editor), signal: asking.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      preview.replaceChildren(...page.body.childNodes);
    } catch (fault) {
      if (fault.name !== "AbortError") throw fault;
    }
  }, 200);
};

const light = (row) => {
  row.classList.add("is-moved");
  setTimeout(() => row.classList.remove("is-moved"), 600);
};

const add = () => {
  const keys = [...rows.querySelectorAll('[name="row"]')].map((field) => Number(field.value));
  const key = Math.max(0, ...keys) + 1;
  const made = document.createElement("template");
  made.innerHTML = editor.querySelector("[data-blank]").innerHTML.replaceAll("KEY", String(key));
  rows.append(made.content);
  rows.lastElementChild.querySelector("input:not([type=hidden])").focus();
};

const move = (row, where, button) => {
  if (where === "remove") {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("input:not([type=hidden])") ?? editor.querySelector("[data-add]")).focus();
    return;
  }
  if (where === "up") row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  light(row);
  button.focus();
};

editor.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-add]")) add();
  else if (button.matches("[data-move]")) move(button.closest("[data-row]"), button.dataset.move, button);
  else return;
  event.preventDefault();
  show();
});

let dragged = null;
rows.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("[data-grip]")?.closest("[data-row]") ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(dragged, 8, 8);
  dragged.classList.add("is-dragged");
});
rows.addEventListener("dragover", (event) => {
  const over = event.target.closest("[data-row]");
  if (!dragged) return;
  event.preventDefault();
  if (!over || over === dragged) return;
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(dragged);
  else over.after(dragged);
});
rows.addEventListener("drop", (event) => event.preventDefault());
rows.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  if (dragged) light(dragged);
  dragged = null;
  show();
});

editor.addEventListener("input", show);
editor.addEventListener("change", show);
