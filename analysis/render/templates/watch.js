// Follows runs: jobs, curves, first screens and logs as the server sends them. Every name goes into
// the page as text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const connection = document.getElementById("connection");

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The curve of a job so far: validation accuracy over the epochs that it will train.
function curve(job) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 120 36");
  svg.setAttribute("class", "curve");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("preserveAspectRatio", "none");
  const values = job.curve.map(([, accuracy]) => accuracy);
  if (values.length) {
    const low = Math.min(...values);
    const range = Math.max(...values) - low || 1;
    const path = document.createElementNS(SVG, "path");
    const places = job.curve.map(([epoch, accuracy]) =>
      `${(2 + (116 * epoch) / Math.max(1, job.planned)).toFixed(1)} ${(33 - (30 * (accuracy - low)) / range).toFixed(1)}`);
    path.setAttribute("d", places.length > 1 ? `M${places.join("L")}` : `M${places[0]}h2`);
    svg.append(path);
  }
  return svg;
}

function card(job) {
  const box = element("div", "job");
  const last = job.curve[job.curve.length - 1];
  box.append(element("p", "name", job.name), curve(job));
  const text = last ? `epoch ${last[0]} of ${job.planned}, ${(100 * last[1]).toFixed(1)} %` : `starting, ${job.planned} epochs`;
  box.append(element("p", "cost", text));
  if (job.host) box.append(element("p", "cost", `${job.host}, process ${job.pid}`));
  return box;
}

function put(run, place) {
  const part = (name) => place.querySelector(name);
  const share = Math.round(100 * run.done);
  part(".progress div").style.width = `${share}%`;
  part(".progress").setAttribute("aria-valuenow", share);
  const nodes = Object.keys(run.nodes).length;
  const items = [[run.state, ""], ...Object.entries(run.counts).filter(([, n]) => n), ...(nodes > 1 && run.state === "running" ? [["nodes that train", nodes]] : []), ...(run.left ? [[run.left, ""]] : [])];
  part(".counts").replaceChildren(...items.map(([word, count]) => {
    const item = element("li", word === "failed" || word === "interrupted" ? "contradicted" : "");
    if (count !== "") item.append(element("b", "", String(count)), " ");
    item.append(element(count === "" ? "b" : "span", "", word.replaceAll("_", " ")));
    return item;
  }));
  part(".progress").hidden = part("details").hidden = run.state.startsWith("not live");
  part(".jobs").replaceChildren(...(run.state === "running" ? run.running.map(card) : []));
  part(".log").textContent = run.log.length ? run.log.join("\n") : "nothing yet";
}

const events = new EventSource("/events");
events.onopen = () => { connection.textContent = "live"; };
events.onerror = () => { connection.textContent = "no connection to the server; trying again"; };
events.addEventListener("closed", () => {
  events.close();
  connection.textContent = "no longer watched";
});
events.addEventListener("jobs", (event) => {
  JSON.parse(event.data).forEach((run, i) => put(run, document.querySelector(`.live[data-run="${i}"]`)));
});
// Made by the server's templates, which escape all text.
events.addEventListener("screen", (event) => {
  const { run, html } = JSON.parse(event.data);
  document.querySelector(`.live[data-run="${run}"] .screen`).innerHTML = html;
});
