// A toast reports what just happened, nothing else, and goes by itself; `undo` takes it back.
export const toast = (said, undo = null) => {
  const place = document.querySelector(".toasts");
  if (!place) return null;
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("span");
  words.textContent = said;
  const button = document.createElement("button");
  Object.assign(button, { className: "btn sm quiet", type: "button", textContent: undo ? "Undo" : "Dismiss" });
  button.dataset.act = "dismiss";
  if (undo) {
    const key = document.createElement("kbd");
    key.textContent = "U";
    button.append(key);
    button.addEventListener("click", undo);
  }
  box.append(words, button);
  place.append(box);
  setTimeout(() => box.remove(), 8000);
  return box;
};
