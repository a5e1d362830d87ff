// A toast reports what just happened, nothing else, and goes by itself.
export const toast = (said) => {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("span");
  words.textContent = said;
  const button = document.createElement("button");
  Object.assign(button, { className: "btn sm quiet", type: "button", textContent: "Dismiss" });
  button.dataset.act = "dismiss";
  box.append(words, button);
  place.append(box);
  setTimeout(() => box.remove(), 8000);
};
