import { ask, at, h, number, s, severityClass, shown } from "./dom.js";

const [WIDTH, HEIGHT] = [240, 60];

export async function drift({ asked }) {
  const hours = Number(asked.hours) || 0;
  const series = await ask("scores", { since: hours ? String(Date.now() / 1000 - hours * 3600) : "" });
  if (!series.length) return [h("div", { class: "empty" }, h("h1", {}, "No drift score yet"),
    "Scores come with the metrics of an application: the first one after a model has been asked for some hundred rows.")];
  const models = [...new Set(series.map((each) => each.model))];
  const shownModels = models.filter((model) => !asked.model || model === asked.model);
  const go = (change) => { location.hash = `#/drift?${new URLSearchParams(Object.entries({ ...asked, ...change }).filter(([, value]) => value))}`; };
  return [
    h("div", { class: "bar" },
      h("select", { id: "d-model", "aria-label": "Model", onchange: (event) => go({ model: event.target.value }) }, h("option", { value: "" }, "All models"), models.map((model) => h("option", { value: model, selected: asked.model === model }, model))),
      h("select", { id: "d-hours", "aria-label": "Time", onchange: (event) => go({ hours: event.target.value }) }, [["", "All that is here"], ["1", "Last hour"], ["24", "Last day"], ["168", "Last week"]].map(([value, label]) => h("option", { value, selected: (asked.hours || "") === value }, label))),
      h("span", { class: "note" }, "Distance from the reference, 0 to 1; the most distant first. Bars mark where a finding was told.")),
    shownModels.map((model) => [h("h2", {}, model), h("div", { class: "charts" }, series.filter((each) => each.model === model).map(chart))]),
  ];
}

function chart({ feature, detector, points, marks }) {
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const top = Math.max(0.25, ...points.map(([, value]) => value));
  const x = (time) => (last > first ? ((time - first) / (last - first)) * WIDTH : WIDTH);
  const y = (value) => HEIGHT - (Math.max(0, value) / top) * HEIGHT;
  const line = points.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const now = points[points.length - 1][1];
  return h("figure", { class: "chart" },
    h("figcaption", {}, h("b", { title: shown(`${feature} (${detector})`) }, feature || detector), h("span", {}, number(now))),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": shown(`${feature}: ${number(now)} now, ${number(top)} at most`) },
      s("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), s("line", { class: "axis", x1: 0, x2: WIDTH, y1: 0, y2: 0 }),
      points.length > 1 && s("polygon", { class: "area", points: `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}` }),
      points.length > 1 ? s("polyline", { class: "line", points: line }) : s("line", { class: "line", x1: 0, x2: WIDTH, y1: y(now), y2: y(now) }),
      marks.filter((mark) => mark.time >= first && mark.time <= last).map((mark) => s("line", { class: `told ${severityClass(mark.worst)}`, x1: x(mark.time), x2: x(mark.time), y1: 0, y2: HEIGHT }, s("title", {}, mark.body)))),
    h("div", { class: "ends" }, h("span", {}, at(first).slice(5, 16)), h("span", {}, `top ${number(Number(top.toPrecision(2)))}`), h("span", {}, at(last).slice(5, 16))));
}
