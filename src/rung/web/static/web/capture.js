// The capture page: copying the snippet or a new key.
import { onAct } from "../ui/acts.js";
import { toast } from "../ui/toasts.js";

onAct("copy", async (from) => {
  const text = document.getElementById(from.dataset.of).textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    toast("It is on the clipboard.");
  } catch {
    getSelection().selectAllChildren(document.getElementById(from.dataset.of));
    toast("Your browser does not let us copy: it is selected, press Ctrl C.");
  }
});
