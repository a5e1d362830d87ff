// The page's own behaviour, in small modules. Everything is delegated from the document, so that what htmx swaps in works.
import "./look.js";
import "./menus.js";
import "./keys.js";
import "./palette.js";
import "./tables.js";
import "./condition.js";
import "./evidence.js";
