import { ago, ask, at, h, number, severityClass, shown } from "./dom.js";
import { summary } from "./findings.js";

const EVIDENCE = "mlsec.evidence.";

export async function finding({ rest }) {
  const found = await ask("incident", { key: rest });
  if (!found) return [h("div", { class: "empty" }, h("h1", {}, "This finding is not here any more"), h("a", { href: "#/" }, "All findings"))];
  const last = found.life[found.life.length - 1] || { record: { attributes: {} } };
  const attributes = last.record.attributes || {};
  const traced = [...found.life].reverse().find((each) => each.trace);
  const trace = traced ? await ask("trace", { id: traced.trace }) : { spans: [], findings: [] };
  const resolved = found.status === "resolved";
  return [
    h("a", { class: "back", href: "#/", id: "back" }, "← All findings"),
    h("section", { class: `head ${resolved ? "RESOLVED" : severityClass(found.word)}` },
      h("span", { class: "word" }, resolved ? "RESOLVED" : found.word, found.worst !== found.word ? ` (was ${found.worst})` : ""), h("h1", {}, found.title), h("p", {}, summary(found))),
    h("div", { class: "two" },
      h("div", {}, score(attributes, found), h("h2", {}, "Evidence"), evidence(attributes), h("h2", {}, "Its life"), life(found)),
      h("div", {}, h("h2", {}, "What, where, who"), facts(found, attributes, traced), beside(found))),
    h("h2", {}, "The trace around it"), waterfall(trace, attributes, found), everything(last),
  ];
}

function score(attributes, found) {
  const [value, threshold] = [attributes["mlsec.finding.score"], attributes["mlsec.finding.threshold"]];
  if (typeof value !== "number" || typeof threshold !== "number") return null;
  const most = Math.max(value, threshold, 1e-12) * 1.15;
  return [h("h2", {}, "Score and threshold"), h("div", { class: `meter ${severityClass(found.word)}`, role: "img", "aria-label": `score ${number(value)}, threshold ${number(threshold)}` },
    h("i", { style: { width: `${Math.max(0, (100 * value) / most)}%` } }), h("u", { style: { left: `${Math.max(0, (100 * threshold) / most)}%` } })),
    h("p", { class: "note" }, `${number(value)}, told from ${number(threshold)} on`)];
}

function evidence(attributes) {
  const rows = Object.entries(attributes).filter(([name, value]) => name.startsWith(EVIDENCE) && value !== "" && value?.length !== 0);
  if (!rows.length) return h("p", { class: "note" }, "None beside the score.");
  return h("dl", { class: "facts" }, rows.map(([full, value]) => {
    const [name, text] = measured(full.slice(EVIDENCE.length), value);
    return [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, text)];
  }));
}

// The agent's names end in their unit: "duration_s" is in seconds, and a share is one of all.
const UNITS = [[/_ms$/, "ms"], [/_s$/, "s"], [/_bytes$/, "bytes"]];

function measured(name, value) {
  if (typeof value === "number" && /(^|_)share$/.test(name) && value >= 0 && value <= 1) return [name, `${number(Number((100 * value).toPrecision(3)))} %`];
  for (const [ending, unit] of UNITS) if (ending.test(name)) return [name.replace(ending, ""), `${said(value)} ${unit}`];
  return [name, said(value)];
}

const said = (value) => (Array.isArray(value) ? value.map(number).join(", ") : typeof value === "object" && value !== null ? JSON.stringify(value) : number(value));

function life(found) {
  const more = found.records - found.life.length;
  return [more > 0 && h("p", { class: "note" }, `${number(more)} earlier records are not shown.`), h("ol", { class: "life" }, found.life.map((each) =>
    h("li", { class: each.status === "resolved" ? "RESOLVED" : severityClass(each.word) }, h("time", {}, at(each.time)), h("i", { class: "mark" }),
      h("span", {}, h("b", { class: "word" }, each.status === "resolved" ? "resolved" : `${each.word} ${each.status}`), ` ${each.count > 1 ? `· ${number(each.count)} ` : ""}`,
        h("span", { class: "said" }, summary({ ...found, ...each }))))))];
}

function facts(found, attributes, traced) {
  const techniques = attributes["mlsec.atlas.technique.id"] || [];
  const risks = attributes["mlsec.owasp.id"] || [];
  const pairs = [
    ["Model", [found.model, found.version].filter(Boolean).join(" ")], ["Framework", attributes["mlsec.model.framework"]], ["Service", found.service], ["Kind", found.kind],
    ["Detector", [attributes["security_rule.name"], attributes["security_rule.version"]].filter(Boolean).join(" ")],
    ["Principal", found.principal && h("a", { href: `#/?principal=${encodeURIComponent(found.principal)}` }, found.principal)],
    ["Client", attributes["client.address"]], ["Action", attributes["mlsec.finding.action"]],
    ["First seen", `${at(found.first)} UTC`], ["Last seen", `${at(found.last)} UTC${recent(found.last)}`], ["Records", number(found.records)],
    ["MITRE ATLAS", techniques.length && techniques.join(", ")], ["OWASP", risks.length && risks.join(", ")],
    ["Trace", traced && h("code", {}, traced.trace)], ["Case", h("code", {}, found.key)], ["Integrity", attributes["mlsec.finding.integrity"]],
  ];
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function recent(seconds) {
  const told = ago(seconds);
  return /ago$|^now$/.test(told) ? `, ${told}` : "";
}

function beside(found) {
  if (!found.beside.length) return null;
  return [h("h2", {}, "Also by this principal"), h("ul", { class: "life" }, found.beside.map((each) => h("li", { class: severityClass(each.worst) },
    h("time", {}, ago(each.last)), h("i", { class: "mark" }), h("a", { href: `#/finding/${encodeURIComponent(each.key)}` }, `${each.title}, ${each.model}`))))];
}

function waterfall({ spans }, attributes, found) {
  if (!spans.length) return h("p", { class: "note" }, "No span of it has arrived: the call was outside a trace, not sampled, or is not here any more.");
  const end = Math.max(...spans.map((span) => span.offset + span.took), 1);
  const depth = new Map();
  for (const span of spans) depth.set(span.id, depth.has(span.parent) ? depth.get(span.parent) + 1 : 0);
  return h("div", { class: "spans" }, spans.map((span) => {
    const findings = span.attributes["mlsec.finding.count"];
    return h("div", { class: `span ${span.error ? "error" : ""} ${findings ? "with" : ""}`, title: shown(`${span.service} ${span.name}`) },
      h("span", { class: "name", style: { paddingLeft: `${Math.min(depth.get(span.id), 12) * 14}px` } }, span.name, findings ? h("span", { class: `word ${severityClass(span.attributes["mlsec.finding.max_severity"])}` }, `  ${number(findings)} found`) : ""),
      h("span", { class: "lane" }, h("i", { style: { left: `${(100 * span.offset) / end}%`, width: `${Math.max(0.2, (100 * span.took) / end)}%` } })),
      h("span", { class: "took" }, span.took >= 1e6 ? `${number(span.took / 1e6)} s` : `${number(span.took / 1e3)} ms`));
  }));
}

function everything(last) {
  const rows = Object.entries({ ...last.record.resource, ...last.record.attributes });
  if (!rows.length) return null;
  return h("details", { id: "everything" }, h("summary", {}, h("h2", { style: { display: "inline-block" } }, "All attributes of the last record")),
    h("dl", { class: "facts mono" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, said(value))])));
}
