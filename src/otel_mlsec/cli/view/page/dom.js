// Elements from values.  Text goes in as text nodes only: nothing that came over the wire is ever markup, an address, or a style rule.
const SVG = "http://www.w3.org/2000/svg";

export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && child !== false) element.append(child instanceof Node ? child : shown(child));
  }
  return element;
}

// Control characters, and what turns the direction of text around, are written out: a name must look like what it is.
export function shown(value) {
  return String(value).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

const SEVERITIES = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];
export const severityClass = (word) => (SEVERITIES.includes(word) ? word : "");
export { SEVERITIES };

const pad = (n) => String(n).padStart(2, "0");
export function at(seconds) {
  const d = new Date(seconds * 1000);
  if (!seconds || Number.isNaN(d.getTime())) return "?";
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}`;
}

export function ago(seconds) {
  const left = Date.now() / 1000 - seconds;
  if (!(seconds > 0)) return "?";
  if (left < -60 || left > 30 * 86400) return at(seconds).slice(0, 16);
  for (const [size, word] of [[86400, "d"], [3600, "h"], [60, "min"]]) if (left >= size) return `${Math.floor(left / size)} ${word} ago`;
  return "now";
}

export function number(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 1000 ? value.toLocaleString("en", { maximumFractionDigits: 0 }) : String(Number(value.toPrecision(4)));
}

export async function ask(path, asked = {}) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== "" && value !== undefined));
  const answer = await fetch(`/api/${path}?${query}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}
