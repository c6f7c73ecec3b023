// Draws the figures of a report when they come near the window, and shows a network's
// configuration on hover and its JSON on click. Nothing is fetched.
"use strict";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const runs = read("networks");
const dock = document.getElementById("network");
const config = { displaylogo: false, responsive: true };
let pinned = false;

function draw(box) {
  if (box.classList.contains("drawn")) return;
  box.classList.add("drawn");
  const figure = read(box.id + "-data");
  Plotly.newPlot(box, figure.data, figure.layout, config).then(() => {
    box.on("plotly_hover", (event) => pinned || show(event.points[0], false));
    box.on("plotly_click", (event) => show(event.points[0], true));
  });
}

// A browser has room for few figures drawn by the graphics card at once.
function release(box) {
  if (!box.querySelector(".gl-container canvas")) return;
  Plotly.purge(box);
  box.classList.remove("drawn");
}

function architecture(run, network) {
  const base = run.bases[network.base];
  const choices = {};
  for (let i = 0; i < network.choices.length; i += 2) {
    choices[run.slots[network.choices[i]]] = run.choices[network.choices[i + 1]];
  }
  return { ...base, choices };
}

function summary(run, network) {
  const counts = new Map();
  for (let i = 1; i < network.choices.length; i += 2) {
    counts.set(network.choices[i], (counts.get(network.choices[i]) || 0) + 1);
  }
  const lines = Object.values(run.bases[network.base]).map((value) => JSON.stringify(value));
  counts.forEach((n, i) => lines.push(`${JSON.stringify(run.choices[i])} in ${n} slots`));
  return lines.join("\n");
}

// Lines for a shell that write the files and train.
function commands(command, name, json) {
  const files = { [`${name}.json`]: json };
  for (const [file, data] of Object.entries(command.files)) files[file] = JSON.stringify(data);
  const writes = Object.entries(files).map(([file, text]) => `cat > ${file} <<'END'\n${text}\nEND`);
  return [...writes, line(command, name)].join("\n");
}

const line = (command, name) => command.line.replaceAll("NAME", name);

function show(point, pin) {
  const meta = point.data.meta;
  if (!meta || meta.run === undefined) return;
  const run = runs[meta.run];
  const network = run.networks[point.customdata[0]];
  const command = run.commands[network.recipe][meta.task || 0];
  const json = JSON.stringify(architecture(run, network), null, 1);
  pinned = pinned || pin;
  const put = (part, text) => { dock.querySelector(part).textContent = text; };
  put("h3", `${network.name}${pin ? "" : " (click for its JSON)"}`);
  put(".config", summary(run, network));
  put(".command", pin ? commands(command, network.file, json) : line(command, network.file));
  put(".json", pin ? json : "");
  dock.classList.toggle("pinned", pin);
  dock.hidden = false;
}

function close() {
  pinned = false;
  dock.hidden = true;
}

function copy(text) {
  const area = document.createElement("textarea");
  area.value = text;
  dock.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

dock.querySelector(".close").addEventListener("click", close);
document.addEventListener("keydown", (event) => event.key === "Escape" && close());
dock.querySelectorAll("button.copy").forEach((button) => {
  button.addEventListener("click", () => {
    copy(dock.querySelector(button.dataset.part).textContent);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
  });
});

const boxes = document.querySelectorAll(".figure");
const near = new IntersectionObserver(
  (entries) => entries.forEach((e) => (e.isIntersecting ? draw(e.target) : release(e.target))),
  { rootMargin: "1000px" },
);
boxes.forEach((box) => near.observe(box));
window.addEventListener("beforeprint", () => boxes.forEach(draw));
