// [data-act="name"] runs the act of that name when clicked; other modules and keys run it by name.
const acts = new Map();

export const onAct = (name, run) => acts.set(name, run);

export const act = (name, from = null) => {
  const run = acts.get(name);
  if (run) run(from);
  return Boolean(run);
};

document.addEventListener("click", (event) => {
  const from = event.target.closest("[data-act]");
  if (from && !from.matches('[role="option"]')) act(from.dataset.act, from);
});

onAct("print", () => window.print());
