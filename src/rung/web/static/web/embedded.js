// A form inside another page's frame tells that page how tall it is, and nothing else.
// The page itself is never lower than its frame; what stands in it is.
const main = document.querySelector("main");
const height = () => main.getBoundingClientRect().bottom + scrollY;
const tell = () => parent.postMessage({ rungForm: location.pathname, height: height() }, "*");

document.documentElement.classList.add("is-embedded");
new ResizeObserver(tell).observe(main);
addEventListener("load", tell);
