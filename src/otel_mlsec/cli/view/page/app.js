import { h } from "./dom.js";
import { findings } from "./findings.js";
import { finding } from "./finding.js";
import { drift } from "./drift.js";
import { health } from "./health.js";

const PAGES = { "": findings, finding, drift, health };
const main = document.getElementById("main");
const live = document.getElementById("live");
let drawn = ""; // which page: a filter of it may have changed, and what is being typed in goes on
let running = 0;

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return { name: Object.hasOwn(PAGES, name) ? name : "", rest: decoded(rest.join("/")), asked: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody has typed a "%"
  }
}

// The page is drawn anew with whatever changes; what is being typed in stays as it is.
async function draw() {
  const turn = ++running;
  const where = place();
  const page = `${where.name}/${where.rest}`;
  for (const tab of document.querySelectorAll("nav a")) {
    const mine = tab.dataset.tab === (where.name === "" || where.name === "finding" ? "findings" : where.name);
    mine ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current");
  }
  let made;
  try {
    made = await PAGES[where.name](where);
  } catch (error) {
    made = [h("div", { class: "empty" }, h("h1", {}, "The view has ended"), "Start it again: otel-mlsec view")];
    live.textContent = "not connected";
    live.className = "";
  }
  if (turn !== running) return;
  const fresh = page !== drawn;
  const focus = document.activeElement?.id;
  const typed = document.activeElement instanceof HTMLInputElement ? [document.activeElement.value, document.activeElement.selectionStart] : null;
  const opened = [...main.querySelectorAll("details[open]")].map((each) => each.id);
  main.replaceChildren(...made.flat(9).filter(Boolean));
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  const again = focus && document.getElementById(focus);
  if (again && !fresh) {
    again.focus({ preventScroll: true });
    if (typed && again instanceof HTMLInputElement) {
      again.value = typed[0];
      again.setSelectionRange(typed[1], typed[1]);
    }
  } else if (fresh && drawn) main.focus({ preventScroll: true });
  if (fresh) scrollTo(0, 0);
  drawn = page;
}

function follow() {
  const changes = new EventSource("/api/changes");
  changes.onopen = () => { live.textContent = "live"; live.className = "on"; };
  changes.onerror = () => { live.textContent = "not connected"; live.className = ""; };
  changes.onmessage = () => document.hidden || draw(); // the first one, too: something may have come since the page was drawn
}

const button = document.getElementById("theme");
const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
function theme(name) {
  if (name) document.documentElement.dataset.theme = name;
  button.textContent = dark() ? "☀" : "☾";
}
button.addEventListener("click", () => { theme(dark() ? "light" : "dark"); localStorage.setItem("theme", document.documentElement.dataset.theme); });
theme(localStorage.getItem("theme"));

addEventListener("hashchange", draw);
draw();
follow();
document.addEventListener("visibilitychange", () => document.hidden || draw());
setInterval(() => document.hidden || draw(), 30000); // "3 min ago" grows old
