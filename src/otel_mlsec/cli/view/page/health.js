import { ago, ask, h, number } from "./dom.js";

export async function health() {
  const agents = await ask("health");
  if (!agents.length) return [h("div", { class: "empty" }, h("h1", {}, "No agent has said anything yet"),
    "An agent says how it is by metrics, once a minute unless OTEL_METRIC_EXPORT_INTERVAL says otherwise.")];
  return agents.map(agent);
}

function agent({ instance, service, time, series }) {
  const sum = (name, having = () => true) => series.filter((each) => each.name === name && having(each.labels)).reduce((total, each) => total + each.value, 0);
  const has = (name) => series.some((each) => each.name === name);
  const by = (name, label) => {
    const found = {};
    for (const each of series) if (each.name === name && each.value) found[each.labels[label] || "ok"] = (found[each.labels[label] || "ok"] || 0) + each.value;
    return Object.entries(found).map(([key, value]) => `${number(value)} ${key}`).join(", ");
  };
  const dropped = sum("mlsec.detection.processed", (labels) => labels["error.type"]);
  const duration = sum("mlsec.detection.duration.count") ? (1000 * sum("mlsec.detection.duration.sum")) / sum("mlsec.detection.duration.count") : NaN;
  const calls = sum("gen_ai.client.operation.duration.count");
  const evicted = sum("mlsec.spool.records", (labels) => labels["mlsec.spool.outcome"] === "evicted");
  const failed = sum("mlsec.handler.calls", (labels) => labels["error.type"]);
  const told = series.filter((each) => each.name === "mlsec.findings").reduce((total, each) => total + each.value, 0);
  const cells = [
    ["Rows predicted", number(sum("mlsec.model.predictions"))],
    calls ? ["Calls of language models", number(calls)] : null,
    ["Findings told", number(told), sum("mlsec.findings.withheld") ? `withheld: ${by("mlsec.findings.withheld", "mlsec.withheld.reason")}` : ""],
    ["Calls not looked at", number(dropped), dropped ? by("mlsec.detection.processed", "error.type") : "", dropped > 0],
    ["Queue", `${number(sum("mlsec.detection.queue.size"))} of ${number(sum("mlsec.detection.queue.capacity"))}`],
    Number.isFinite(duration) ? ["Detection, a batch", `${number(Number(duration.toPrecision(3)))} ms`] : null,
    ["Errors of the agent", number(sum("mlsec.agent.errors")), by("mlsec.agent.errors", "mlsec.agent.site"), sum("mlsec.agent.errors") > 0],
    has("mlsec.spool.pending") ? ["Waiting to be delivered", number(sum("mlsec.spool.pending")), sum("mlsec.spool.age") > 60 ? `for ${number(Math.round(sum("mlsec.spool.age")))} s` : "", sum("mlsec.spool.age") > 300] : null,
    evicted ? ["Given up undelivered", number(evicted), by("mlsec.spool.records", "mlsec.spool.outcome"), true] : null,
    has("mlsec.handler.calls") ? ["Handlers called", number(sum("mlsec.handler.calls")), failed ? by("mlsec.handler.calls", "error.type") : "", failed > 0] : null,
    sum("mlsec.principals.evicted") ? ["Principals forgotten", number(sum("mlsec.principals.evicted"))] : null,
  ];
  return h("section", { class: "agent" }, h("h2", {}, service || "unknown service", h("span", {}, `${instance}, heard ${ago(time)}`)),
    h("dl", { class: "numbers" }, cells.filter(Boolean).map(([label, value, note, bad]) => h("div", { class: bad ? "bad" : "" }, h("dt", {}, label), h("dd", {}, value, note && h("small", {}, note))))));
}
