import { ask, at, h, number, s, severityClass, shown } from "./dom.js";
import { since, times } from "./findings.js";

const [WIDTH, HEIGHT] = [240, 60];
const LOWEST = 0.25; // of the scale's top: less is no change that anybody is told of

export async function drift({ asked }) {
  const series = await ask("scores", { since: since(asked.hours) });
  const go = (change) => { location.hash = `#/drift?${new URLSearchParams(Object.entries({ ...asked, ...change }).filter(([, value]) => value))}`; };
  const models = [...new Set(series.map((each) => each.model))];
  const some = series.filter((each) => !asked.model || each.model === asked.model);
  const bar = h("div", { class: "bar" },
    h("select", { id: "d-model", "aria-label": "Model", onchange: (event) => go({ model: event.target.value }) }, h("option", { value: "" }, "All models"), models.map((model) => h("option", { value: model, selected: asked.model === model }, model))),
    times("d-hours", asked, (hours) => go({ hours })));
  if (!some.length) return [(asked.hours || asked.model) && bar, h("div", { class: "empty" }, h("h1", {}, "No drift score yet"),
    "Scores come with the metrics of an application: the first one after a model has been asked for some hundred rows.")];
  return [bar, models.filter((model) => some.some((each) => each.model === model)).map((model) => ofModel(model, some.filter((each) => each.model === model)))];
}

// All on one scale, in both directions: what is far apart looks far apart.
function ofModel(model, series) {
  const times = series.flatMap(({ points }) => [points[0][0], points[points.length - 1][0]]);
  const scale = { first: Math.min(...times), last: Math.max(...times), top: Math.max(LOWEST, ...series.flatMap(({ points }) => points.map(([, value]) => value))) };
  const told = series.some(({ marks }) => marks.length);
  return [
    h("h2", {}, model || "unnamed model"),
    h("p", { class: "note lead" }, `Distance of what is asked now from the reference, 0 to ${number(Number(scale.top.toPrecision(2)))}, the most distant first; ${span(scale)} UTC.`,
      told ? " An upright line is where a finding was told." : ""),
    h("div", { class: "charts" }, series.map((each) => chart(each, scale))),
  ];
}

function span({ first, last }) {
  const [from, to] = [at(first), at(last)];
  return from.slice(0, 10) === to.slice(0, 10) ? `${from.slice(0, 16)} to ${to.slice(11, 16)}` : `${from.slice(0, 16)} to ${to.slice(0, 16)}`;
}

function chart({ feature, detector, points, marks }, { first, last, top }) {
  const x = (time) => (last > first ? ((time - first) / (last - first)) * WIDTH : WIDTH);
  const y = (value) => HEIGHT - (Math.max(0, value) / top) * HEIGHT;
  const line = points.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const now = short(points[points.length - 1][1]);
  const most = short(Math.max(...points.map(([, value]) => value)));
  const [left, right] = [x(points[0][0]), x(points[points.length - 1][0])];
  return h("figure", { class: "chart" },
    h("figcaption", {}, h("b", { title: shown(`${feature} (${detector})`) }, feature || detector), h("span", { title: `${now} now, ${most} at most` }, now)),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": shown(`${feature}: ${now} now, ${most} at most`) },
      [0, HEIGHT / 2, HEIGHT].map((height) => s("line", { class: "axis", x1: 0, x2: WIDTH, y1: height, y2: height })),
      points.length > 1 && s("polygon", { class: "area", points: `${left},${HEIGHT} ${line} ${right},${HEIGHT}` }),
      points.length > 1 ? s("polyline", { class: "line", points: line }) : s("line", { class: "line", x1: 0, x2: WIDTH, y1: y(points[0][1]), y2: y(points[0][1]) }),
      marks.filter((mark) => mark.time >= first && mark.time <= last).map((mark) =>
        s("line", { class: `told ${severityClass(mark.worst)}`, x1: x(mark.time), x2: x(mark.time), y1: 0, y2: HEIGHT }, s("title", {}, mark.body)))));
}

const short = (value) => number(Number(value.toPrecision(2)));
