"use strict";

// The curves one looks at first; every other number follows by name.
const FIRST = ["loss", "reward", "kl", "objective/kl", "grad_norm", "entropy", "mean_token_accuracy", "rewards/accuracies",
  "completions/mean_length", "completions/clipped_ratio", "frac_reward_zero_std", "learning_rate", "tokens_per_second"];
const HIDDEN = new Set(["step", "stage", "diagnosis"]);
const EVERY = 2000;

const steps = new Map(); // by stage, the records in their order
let shown = null; // the stage whose curves are shown
let file = null; // the file of completions that is shown

const get = async (path) => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};
const $ = (id) => document.getElementById(id);
const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const number = (value) => {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  // Counts are whole, however large.
  if (Number.isSafeInteger(value)) return String(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
};

const seconds = (value) => (value < 0.05 ? "<0.1 s" : `${value.toFixed(1)} s`);

function curve(points) {
  const [width, height] = [300, 100];
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const values = points.map((point) => point[1]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (step) => (last === first ? width / 2 : ((step - first) / (last - first)) * width);
  const y = (value) => (high === low ? height / 2 : height - ((value - low) / (high - low)) * height);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const draw = (d, name) => {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", name);
    svg.append(path);
  };
  draw(`M0 0H${width}M0 ${height / 2}H${width}M0 ${height}H${width}`, "grid");
  // A line from one point to itself is drawn as a dot.
  if (points.length === 1) draw(`M${x(first)} ${y(low)}h0`, "curve point");
  else draw("M" + points.map(([step, value]) => `${x(step).toFixed(2)} ${y(value).toFixed(2)}`).join("L"), "curve");
  return { svg, low, high, first, last };
}

function chart(name, points) {
  const figure = element("figure", null, { "data-metric": name });
  const { svg, low, high, first, last } = curve(points);
  const caption = element("figcaption", null);
  caption.append(element("span", name), element("span", number(points[points.length - 1][1])));
  const axis = element("div", null, { class: "axis" });
  axis.append(element("span", `step ${first}`), element("span", `${number(low)} … ${number(high)}`), element("span", `${last}`));
  figure.append(caption, svg, axis);
  return figure;
}

function drawCharts() {
  const records = steps.get(shown) || [];
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))].filter((name) => !HIDDEN.has(name));
  const rank = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  names.sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
  const figures = [];
  for (const name of names) {
    const points = records.filter((record) => Number.isFinite(record[name])).map((record) => [record.step, record[name]]);
    if (points.length > 0) figures.push(chart(name, points));
  }
  $("charts").replaceChildren(...figures);
}

function drawStages(run) {
  document.title = `${run.name} – forethought`;
  $("name").textContent = run.name;
  $("stages").replaceChildren(...run.stages.map((stage) => {
    const took = stage.seconds === null ? "" : ` ${seconds(stage.seconds)}`;
    const word = { interrupted: " (interrupted)", older: " (of an earlier run)" }[stage.state] || "";
    return element("li", stage.name + took + word, { "data-state": stage.state });
  }));
  const trained = run.stages.filter((stage) => stage.num_steps > 0);
  if (shown === null && trained.length > 0) {
    shown = (trained.find((stage) => stage.state === "running" || stage.state === "interrupted") || trained[trained.length - 1]).name;
  }
  $("tabs").replaceChildren(...trained.map((stage) => {
    const tab = element("button", `${stage.name} · ${stage.num_steps}`, { "aria-pressed": String(stage.name === shown) });
    tab.addEventListener("click", () => { shown = stage.name; drawStages(run); drawCharts(); });
    return tab;
  }));
}

function drawFindings() {
  const lines = [];
  for (const [stage, records] of steps) {
    for (const record of records) {
      for (const text of record.diagnosis || []) lines.push(`${stage}, step ${record.step}: ${text}`);
    }
  }
  $("findings").hidden = lines.length === 0;
  $("findings").querySelector("ul").replaceChildren(...lines.map((line) => element("li", line)));
}

async function drawCompletions(names) {
  $("samples").hidden = names.length === 0;
  if (names.length === 0) return;
  const newest = names[names.length - 1];
  const chosen = $("files").value;
  const follows = chosen === "" || chosen === $("files").dataset.newest;
  if ($("files").dataset.newest !== newest) {
    $("files").replaceChildren(...names.map((name) => element("option", name, { value: name })));
    $("files").value = follows ? newest : chosen;
    $("files").dataset.newest = newest;
  }
  if (file === $("files").value) return;
  file = $("files").value;
  const rows = await get(`/api/completions?file=${file}`);
  $("samples").querySelector("tbody").replaceChildren(...rows.map((row) => {
    const line = element("tr", null);
    const cells = [row.prompt, row.completion, number(row.reward), number(row.advantage)];
    line.append(...cells.map((cell) => element("td", cell)));
    return line;
  }));
}

function whatGoesOn(run) {
  const running = run.stages.find((stage) => stage.state === "running");
  if (running) return `${running.name} is running`;
  if (run.is_running) return "the run is between two stages";
  const interrupted = run.stages.find((stage) => stage.state === "interrupted");
  if (!interrupted) return "nothing is running";
  const steps = interrupted.num_steps > 0 ? ` after step ${interrupted.num_steps}` : "";
  return `${interrupted.name} was interrupted${steps}; nothing is running`;
}

async function refresh() {
  try {
    const run = await get("/api/run");
    let changed = shown === null;
    for (const stage of run.stages.filter((one) => one.num_steps > 0)) {
      const known = steps.get(stage.name) || [];
      // A run that went on from a checkpoint, or started anew, has fewer steps than before.
      const kept = known.filter((record) => record.step <= stage.num_steps);
      const after = kept.length > 0 ? kept[kept.length - 1].step : 0;
      if (after < stage.num_steps || kept.length < known.length) {
        steps.set(stage.name, kept.concat(await get(`/api/steps?stage=${stage.name}&after=${after}`)));
        changed = true;
      }
    }
    drawStages(run);
    if (changed) { drawCharts(); drawFindings(); }
    await drawCompletions(run.completions);
    $("state").textContent = `${whatGoesOn(run)} · ${new Date().toLocaleTimeString()}`;
    document.body.dataset.ready = "true";
  } catch (error) {
    $("state").textContent = `no answer: ${error.message}`;
  }
  setTimeout(refresh, EVERY);
}

$("files").addEventListener("change", () => drawCompletions([...$("files").options].map((option) => option.value)));
refresh();
