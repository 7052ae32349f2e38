import { SEVERITIES, ago, ask, at, h, number, severityClass, shown } from "./dom.js";

const COLUMNS = [["severity", "Severity"], ["title", "Finding"], ["model", "Model"], ["", "By"], ["count", "Count"], ["last", "Last seen"]];
const HIDDEN = { By: "hide", Model: "slim", Count: "num slim" }; // on narrow screens

const TIMES = [["", "Any time"], ["1", "Last hour"], ["24", "Last day"], ["168", "Last week"]];
export const since = (hours) => (Number(hours) > 0 ? String(Date.now() / 1000 - Number(hours) * 3600) : "");
export function times(id, asked, set) {
  return h("select", { id, "aria-label": "Time", onchange: (event) => set(event.target.value) },
    TIMES.map(([value, label]) => h("option", { value, selected: (asked.hours || "") === value }, label)));
}

function go(asked) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  location.hash = `#/${query.size ? `?${query}` : ""}`;
}

export async function findings({ asked }) {
  const found = await ask("incidents", { ...asked, hours: "", since: since(asked.hours) });
  const filtered = Object.entries(asked).some(([name, value]) => value && !["sort", "page"].includes(name));
  if (!found.total && !filtered) return [await nothingYet()];
  return [bar(asked, found), found.total ? table(asked, found) : h("div", { class: "empty" }, h("h1", {}, "No finding is like that"),
    h("button", { class: "plain", type: "button", onclick: () => go({}) }, "Show all")), pages(asked, found)];
}

async function nothingYet() {
  const about = await ask("about");
  return h("div", { class: "empty" }, h("h1", {}, "Nothing found yet"),
    h("p", {}, "Findings appear here as they arrive. Start the application with"),
    h("pre", { class: "mono" }, [...Object.entries(about).map(([name, value]) => `${name}=${value} \\`), "opentelemetry-instrument python app.py"].map((line) => h("span", {}, line))),
    h("p", {}, "That nothing is found is good news only if calls are seen: see ", h("a", { href: "#/health" }, "Agents"), "."));
}

function bar(asked, found) {
  let waiting;
  const set = (name, value) => go({ ...asked, page: "", [name]: value });
  const choice = (name, label, values) => h("select", { id: `f-${name}`, "aria-label": label, onchange: (event) => set(name, event.target.value) },
    h("option", { value: "" }, label), values.map((value) => h("option", { value, selected: asked[name] === value }, value)));
  return h("div", { class: "bar", role: "search" },
    h("div", { class: "chips" }, SEVERITIES.map((word) => h("button", {
      class: `chip ${word}`, type: "button", id: `f-${word}`, "aria-pressed": String(asked.worst === word), onclick: () => set("worst", asked.worst === word ? "" : word),
    }, h("i", { class: "mark" }), word[0] + word.slice(1).toLowerCase(), h("b", {}, number(found.severities[word] || 0))))),
    choice("status", "Any status", ["open", "new", "ongoing", "reopened", "resolved"]),
    times("f-hours", asked, (value) => set("hours", value)),
    choice("kind", "Any kind", found.choices.kind), choice("model", "Any model", found.choices.model),
    found.choices.service.length > 1 && choice("service", "Any service", found.choices.service),
    h("input", { type: "search", id: "f-q", placeholder: "Search text, principal, trace", "aria-label": "Search", value: asked.q || "",
      oninput: (event) => { clearTimeout(waiting); const value = event.target.value; waiting = setTimeout(() => set("q", value), 250); } }),
    asked.principal && h("button", { class: "chip", type: "button", "aria-pressed": "true", onclick: () => set("principal", "") }, `by ${shown(asked.principal)}`, h("b", {}, "✕")));
}

function table(asked, found) {
  return h("table", {}, h("thead", {}, h("tr", {}, COLUMNS.map(([sort, label]) => {
    const on = (asked.sort || "last") === sort;
    return h("th", { scope: "col", class: HIDDEN[label] || (sort === "count" ? "num" : ""), "aria-sort": on ? (["model", "title"].includes(sort) ? "ascending" : "descending") : null },
      sort ? h("button", { type: "button", id: `s-${sort}`, onclick: () => go({ ...asked, sort: sort === "last" ? "" : sort, page: "" }) }, label) : label);
  }))), h("tbody", {}, found.incidents.map(row)));
}

function row(incident) {
  const href = `#/finding/${encodeURIComponent(incident.key)}`;
  const resolved = incident.status === "resolved";
  return h("tr", { class: `row ${severityClass(incident.worst)} ${resolved ? "resolved" : ""}`, onclick: (event) => { if (!event.target.closest("a")) location.hash = href; } },
    h("td", {}, h("span", { class: "word" }, incident.worst || "?"), h("div", { class: "note" }, incident.status)),
    h("td", {}, h("a", { class: "title", href, id: `i-${incident.key}` }, incident.title), h("div", { class: "said" }, summary(incident))),
    h("td", { class: "who slim" }, incident.model, h("div", { class: "note" }, incident.version)),
    h("td", { class: "who hide" }, incident.principal),
    h("td", { class: "num slim" }, number(incident.count)),
    h("td", { class: "when", title: `${at(incident.last)} UTC` }, ago(incident.last), h("div", { class: "note" }, incident.records > 1 ? `${number(incident.records)} records` : "")));
}

// The body says all in one line; its first part is in the other columns.
export function summary({ body, word, title, model, version }) {
  let said = body;
  for (const part of [`${word} ${title}: `, model, version]) if (part && said.startsWith(part)) said = said.slice(part.length).replace(/^[ ,:]+/, "");
  return said;
}

function pages(asked, found) {
  if (found.pages < 2) return h("p", { class: "note" }, `${number(found.total)} ${found.total === 1 ? "finding" : "findings"}`);
  const turn = (page, label, id) => h("button", { type: "button", id, disabled: page < 0 || page >= found.pages, onclick: () => go({ ...asked, page: String(page) }) }, label);
  return h("div", { class: "pages" }, turn(found.page - 1, "Newer", "p-newer"), turn(found.page + 1, "Older", "p-older"),
    `${number(found.page * 50 + 1)}–${number(Math.min(found.total, found.page * 50 + 50))} of ${number(found.total)}`);
}
