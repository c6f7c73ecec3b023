// Draws the figures of a report when they come near the window, and shows a network's drawing,
// configuration and command on hover and click. Nothing is fetched.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const runs = read("networks");
const dock = document.getElementById("network");
const config = {
  displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
};
let pinned = null;

/* Figures. */

let plotly = window.Plotly ? Promise.resolve() : null;

// The script is packed: unpacked once, when the first figure is near.
async function unpack() {
  const packed = atob(document.getElementById("plotly").textContent.trim());
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// The colours of a figure follow the page's; ink is the palette's black.
function themed(figure) {
  const text = JSON.stringify(figure).replaceAll('"#000000"', `"${color("ink")}"`);
  const { data, layout } = JSON.parse(text);
  const axis = { gridcolor: color("grid"), linecolor: color("line"), zerolinecolor: color("line") };
  const narrow = window.innerWidth < 700;
  Object.assign(layout, {
    modebar: { bgcolor: color("paper"), color: color("dominated"), activecolor: color("accent") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { ...layout.font, color: color("ink"), size: narrow ? 12 : 14 },
    hoverlabel: { bgcolor: color("panel"), font: { color: color("ink"), size: 13 } },
  });
  for (const axis of [layout.xaxis, layout.yaxis]) {
    axis.title = { ...axis.title, font: { size: 13, color: color("soft") } };
  }
  if (narrow) {
    Object.assign(layout.margin, { l: 50, r: 12, t: 40 });
    for (const axis of [layout.xaxis, layout.yaxis]) {
      axis.title.text = (axis.title.text || "").replace(" (log scale)", "").replace(", one image", "");
    }
    // Below the figure, where any number of lines has room.
    layout.legend = { orientation: "h", x: 0, y: -0.22, yanchor: "top", font: { size: 11 } };
  }
  Object.assign(layout.xaxis, axis);
  Object.assign(layout.yaxis, axis);
  return { data, layout };
}

async function draw(box) {
  if (box.classList.contains("drawn")) return;
  box.classList.add("drawn");
  plotly = plotly || unpack();
  await plotly;
  const figure = themed(read(box.id + "-data"));
  await Plotly.newPlot(box, figure.data, figure.layout, config);
  box.on("plotly_hover", (event) => pinned || showPoint(event.points[0], false));
  box.on("plotly_click", (event) => showPoint(event.points[0], true));
}

// A browser has room for few figures drawn by the graphics card at once.
function release(box) {
  if (!box.querySelector(".gl-container canvas")) return;
  Plotly.purge(box);
  box.classList.remove("drawn");
}

/* Networks. */

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

const line = (command, name) => command.line.replaceAll("NAME", name);

// Lines for a shell that write the files and train.
function commands(command, name, json) {
  const files = { [`${name}.json`]: json };
  for (const [file, data] of Object.entries(command.files)) files[file] = JSON.stringify(data);
  const writes = Object.entries(files).map(([file, text]) => `cat > ${file} <<'END'\n${text}\nEND`);
  return [...writes, line(command, name)].join("\n");
}

function parts(run, task, index) {
  const network = runs[run].networks[index];
  const command = runs[run].commands[network.recipe][task];
  const json = JSON.stringify(architecture(runs[run], network), null, 1);
  return { network, command, json, script: commands(command, network.file, json) };
}

// The network's stages, and those of the one that was pinned before with what differs marked.
function drawings(run, index) {
  const place = dock.querySelector(".drawings");
  place.replaceChildren();
  const other = pinned && (pinned.run !== run || pinned.index !== index) ? pinned : null;
  const shown = [{ run, index }, ...(other ? [other] : [])].flatMap((one) => {
    const template = document.getElementById(`drawing-${one.run}-${one.index}`);
    if (!template) return [];
    const box = document.createElement("div");
    const name = document.createElement("p");
    name.textContent = one === other ? `beside ${runs[one.run].networks[one.index].name}` : "";
    if (name.textContent) box.append(name);
    box.append(template.content.cloneNode(true));
    place.append(box);
    return [all(".stage", box)];
  });
  if (shown.length === 2) {
    shown[0].forEach((stage, i) => {
      const twin = shown[1][i];
      const differs = !twin || twin.dataset.identity !== stage.dataset.identity;
      [stage, twin].forEach((one) => one && one.classList.toggle("differs", differs));
    });
  }
}

function show(run, task, index, pin) {
  const { network, command, json, script } = parts(run, task, index);
  const put = (part, text) => { dock.querySelector(part).textContent = text; };
  drawings(run, index);
  if (pin) pinned = { run, index };
  put("h3", `${network.name}${pin ? "" : " (click to keep it)"}`);
  put(".config", summary(runs[run], network));
  put(".command", pin ? script : line(command, network.file));
  put(".json", pin ? json : "");
  dock.querySelector(".raw").hidden = !pin;
  dock.classList.toggle("pinned", pin);
  dock.hidden = false;
}

function showPoint(point, pin) {
  const meta = point.data.meta;
  if (meta && meta.run !== undefined) show(meta.run, meta.task || 0, point.customdata[0], pin);
}

function close() {
  pinned = null;
  dock.hidden = true;
}

function copy(text, button) {
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("aria-hidden", "true");
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  button.focus();
  const label = button.textContent;
  if (label === "Copied") return;
  button.textContent = "Copied";
  document.body.dataset.copied = text;
  setTimeout(() => { button.textContent = label; }, 1500);
}

dock.querySelector(".close").addEventListener("click", close);
document.addEventListener("keydown", (event) => event.key === "Escape" && close());
all("button.copy", dock).forEach((button) => {
  const part = dock.querySelector(button.dataset.part);
  button.addEventListener("click", () => copy(part.textContent, button));
});

/* The first screen. */

const numbers = (element) => ["run", "task", "network"].map((name) => Number(element.dataset[name]));

function ring(hero, key) {
  all("svg.front", hero).forEach((svg) => {
    const dot = svg.querySelector(`.dot[data-key="${key}"]`);
    const mark = svg.querySelector(".ring");
    mark.setAttribute("cx", dot ? dot.getAttribute("cx") : -2000);
    mark.setAttribute("cy", dot ? dot.getAttribute("cy") : -2000);
  });
  all(".card", hero).forEach((card) => card.classList.toggle("chosen", card.dataset.key === key));
}

function listen(button) {
  const [run, task, network] = numbers(button);
  button.addEventListener("click", () => {
    if (button.classList.contains("copies")) copy(parts(run, task, network).script, button);
    else {
      const hero = document.querySelector(`.hero[data-run="${run}"][data-task="${task}"]`);
      ring(hero, button.dataset.key);
      show(run, task, network, true);
    }
  });
}

all("button.copies, button.shows").forEach(listen);

all(".hero").forEach((hero) => {
  const [run, task] = numbers(hero);
  const first = hero.querySelector(".card");
  if (first) ring(hero, first.dataset.key);
  all(".dot[data-i]", hero).forEach((dot) => {
    const index = Number(dot.dataset.i);
    dot.addEventListener("pointerenter", () => pinned || show(run, task, index, false));
    dot.addEventListener("pointerleave", () => pinned || close());
    dot.addEventListener("click", () => { ring(hero, dot.dataset.key); show(run, task, index, true); });
  });
});

function unit(number) {
  const [size, name] = [[1e9, " G"], [1e6, " M"], [1e3, " k"]].find(([least]) => number >= least) || [1, ""];
  return Number((number / size).toPrecision(3)) + name;
}

all(".budget").forEach((box) => {
  const { cost, picks } = JSON.parse(box.querySelector(".budgets").textContent);
  const slider = box.querySelector("input");
  const hero = document.querySelector(`.hero[data-run="${box.dataset.run}"][data-task="${box.dataset.task}"]`);
  const [low, high] = [picks[0].limit, picks[picks.length - 1].limit].map(Math.log);
  const word = cost === "macs" ? "MACs" : "parameters";
  let current = null;

  function paragraph(text, name) {
    const element = document.createElement("p");
    element.className = name;
    element.textContent = text;
    return element;
  }

  function move() {
    const limit = Math.exp(low + ((high - low) * slider.value) / 1000) * 1.0000001;
    const pick = picks.findLast((one) => one.limit <= limit) || picks[0];
    box.querySelector(".limit").textContent = `at most ${unit(limit)} ${word}`;
    slider.setAttribute("aria-valuetext", `at most ${unit(limit)} ${word}: ${pick.name}`);
    if (pick === current) return;
    current = pick;
    const name = document.createElement("strong");
    name.textContent = pick.name;
    box.querySelector("output").replaceChildren(
      name, paragraph(pick.config, "config"),
      ...pick.certainty.map((text) => paragraph(text, "certainty")),
    );
    const buttons = [["copies", "Copy command"], ["shows", "Show"]].map(([kind, text]) => {
      const button = document.createElement("button");
      button.className = kind;
      button.textContent = text;
      Object.assign(button.dataset, { run: box.dataset.run, task: box.dataset.task, network: pick.network, key: pick.key });
      listen(button);
      return button;
    });
    box.querySelector(".buttons").replaceChildren(...buttons);
    ring(hero, pick.key);
  }

  slider.addEventListener("input", move);
  move();
});

/* Parallel axes, and what is selected there, in the front and in tables. */

const SVG = "http://www.w3.org/2000/svg";

function shape(parent, tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// A row is shown again when neither the selection nor the filter hides it.
function hide(row, why, hidden) {
  row.toggleAttribute(`data-${why}`, hidden);
  row.hidden = row.hasAttribute("data-unpicked") || row.hasAttribute("data-unmatched");
}

// Rows of tables that are about a point of a front, by the name that both have.
const rowsOf = new Map();

function link(hero) {
  const byName = new Map(all("svg.wide .dot[data-i]", hero).map((dot) => {
    const title = dot.querySelector("title").textContent;
    return [title.slice(0, title.lastIndexOf(": ")), dot];
  }));
  all("tbody tr").forEach((row) => {
    const dot = [...row.cells].slice(0, 3)
      .map((cell) => byName.get(cell.textContent.replaceAll("\u00a0", " "))).find(Boolean);
    if (!dot) return;
    rowsOf.set(row, Number(dot.dataset.i));
    row.addEventListener("pointerenter", () => dot.classList.add("hot"));
    row.addEventListener("pointerleave", () => dot.classList.remove("hot"));
    for (const [event, on] of [["pointerenter", true], ["pointerleave", false]]) {
      dot.addEventListener(event, () => row.classList.toggle("hot", on));
    }
  });
}

function choose(run, picked) {
  all(`.hero[data-run="${run}"]`).forEach((hero) => {
    all("svg.front", hero).forEach((svg) => {
      svg.classList.toggle("dimmed", picked !== null);
      all(".dot[data-i]", svg).forEach((dot) =>
        dot.classList.toggle("picked", picked !== null && picked.has(Number(dot.dataset.i))));
    });
  });
  rowsOf.forEach((index, row) => hide(row, "unpicked", picked !== null && !picked.has(index)));
}

all(".axes").forEach((box) => {
  const { run, axes, lines } = JSON.parse(box.querySelector("script").textContent);
  const plot = box.querySelector(".plot");
  const [width, height, top, bottom, side] = [1100, 380, 44, 352, 70];
  const x = (i) => side + (i * (width - 2 * side)) / (axes.length - 1);
  const y = (value) => bottom - value * (bottom - top);
  const svg = shape(plot, "svg", { viewBox: `0 0 ${width} ${height}`, class: "drawing", role: "img",
    "aria-label": `${lines.length} networks on ${axes.length} axes: ${axes.map((axis) => axis.title).join(", ")}` });
  const brushes = axes.map(() => null);
  const drawn = lines.map((one, i) => {
    const path = `M${axes.map((axis, a) => `${x(a).toFixed(1)} ${y(axis.values[i]).toFixed(1)}`).join("L")}`;
    const line = shape(svg, "path", { d: path, class: `line${one.front ? " front" : ""}` });
    line.addEventListener("pointerenter", () => { line.classList.add("hot"); pinned || show(run, 0, one.network, false); });
    line.addEventListener("pointerleave", () => { line.classList.remove("hot"); pinned || close(); });
    line.addEventListener("click", () => show(run, 0, one.network, true));
    return line;
  });

  function select() {
    const inside = lines.map((_, i) => brushes.every((brush, a) =>
      !brush || (axes[a].values[i] >= brush[0] && axes[a].values[i] <= brush[1])));
    const any = brushes.some(Boolean);
    drawn.forEach((line, i) => line.classList.toggle("out", !inside[i]));
    box.querySelector(".all").hidden = !any;
    choose(run, any ? new Set(lines.filter((_, i) => inside[i]).map((one) => one.network)) : null);
  }

  // Labels often differ at their ends.
  const cut = (text, most) => (text.length > most
    ? `${text.slice(0, Math.ceil(most / 2) - 1)}\u2026${text.slice(-Math.floor(most / 2))}` : text);
  const room = Math.floor((width - 2 * side) / (axes.length - 1) / 8.2);
  const marks = axes.map((axis, a) => {
    shape(svg, "path", { d: `M${x(a)} ${top}V${bottom}`, class: "rail" });
    const mark = shape(svg, "rect", { x: x(a) - 9, width: 18, y: 0, height: 0, class: "brush" });
    const title = shape(svg, "text", { x: x(a), y: 20, "text-anchor": "middle", class: "title" }, cut(axis.title, room));
    shape(title, "title", {}, axis.title);
    axis.ticks.forEach(({ at, text }) => shape(svg, "text", { x: x(a) + (a === axes.length - 1 ? -6 : 6), y: y(at) + 4,
      "text-anchor": a === axes.length - 1 ? "end" : "start" }, cut(text, room - 2)));
    return mark;
  });
  axes.forEach((axis, a) => {
    const grip = shape(svg, "rect", { x: x(a) - 14, y: top - 12, width: 28, height: bottom - top + 24, class: "grip" });
    let from = null;
    const place = (event) => {
      const frame = svg.getBoundingClientRect();
      const at = ((event.clientY - frame.top) * height) / frame.height;
      return Math.min(1.06, Math.max(-0.06, (bottom - at) / (bottom - top)));
    };
    const move = (event) => {
      if (from === null) return;
      const ends = [from, place(event)].sort((one, two) => one - two);
      brushes[a] = ends[1] - ends[0] > 0.02 ? ends : null;
      marks[a].setAttribute("y", brushes[a] ? y(ends[1]) : 0);
      marks[a].setAttribute("height", brushes[a] ? y(ends[0]) - y(ends[1]) : 0);
      select();
    };
    grip.addEventListener("pointerdown", (event) => { from = place(event); grip.setPointerCapture(event.pointerId); move(event); });
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", () => { from = null; });
  });
  box.querySelector(".all").addEventListener("click", () => {
    brushes.fill(null);
    marks.forEach((mark) => mark.setAttribute("height", 0));
    select();
  });
});

all(".hero").forEach(link);

/* Tables. */

const SIZES = { k: 1e3, M: 1e6, G: 1e9 };

function value(cell) {
  const text = cell.textContent.replaceAll("\u00a0", " ").replaceAll(",", "").replaceAll("\u2212", "-").trim();
  const match = /^[<\u2264+]?\s*(-?[\d.]+(?:e[-+]?\d+)?)\s*([kMG])?/.exec(text);
  return match ? Number(match[1]) * (SIZES[match[2]] || 1) : text.toLowerCase();
}

function compare(first, second) {
  if (typeof first === "number" && typeof second === "number") return first - second;
  if (typeof first === typeof second) return first.localeCompare(second);
  return typeof first === "number" ? -1 : 1;
}

all("table").forEach((table) => {
  const body = table.tBodies[0];
  if (body.rows.length < 2) return;
  all("th", table).forEach((heading, column) => {
    const button = document.createElement("button");
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
      const rows = [...body.rows].map((row) => [value(row.cells[column]), row]);
      rows.sort((a, b) => (order === "ascending" ? 1 : -1) * compare(a[0], b[0]));
      body.append(...rows.map(([, row]) => row));
    });
  });
});

all("input.filter").forEach((input) => {
  const rows = all("tbody tr", input.parentElement);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      const text = row.textContent.replaceAll("\u00a0", " ").toLowerCase();
      hide(row, "unmatched", !words.every((word) => text.includes(word)));
    });
  });
});

/* When figures are drawn. */

const boxes = all(".figure");
const near = new IntersectionObserver(
  (entries) => entries.forEach((e) => (e.isIntersecting ? draw(e.target) : release(e.target))),
  { rootMargin: "600px" },
);
boxes.forEach((box) => near.observe(box));
window.addEventListener("beforeprint", () => boxes.forEach(draw));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  boxes.filter((box) => box.classList.contains("drawn")).forEach((box) => {
    box.classList.remove("drawn");
    draw(box);
  });
});
