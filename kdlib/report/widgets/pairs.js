// One answer on one slice: what it found, missed and made up; and its scores among the others'.

const LEVELS = ["source", "target", "arm", "fold", "subject"];
const NONE = 0;
const [LESION, OTHER_PATHOLOGY] = [1, 2]; // labels of the truth
const [FOUND, MISSED, FALSE, OTHER] = [1, 2, 3, 4];

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// What each voxel is; where the truth says other pathology nothing counts.
function classify(truth, answer) {
  return Uint8Array.from(truth, (label, i) => {
    if (label === OTHER_PATHOLOGY) return OTHER;
    if (label === LESION) return answer[i] ? FOUND : MISSED;
    return answer[i] ? FALSE : NONE;
  });
}

// How a class looks at (u, v) of its voxel's `size` screen pixels: the share of its colour. Told
// apart without colour: found is filled, missed an outline, false striped with a dashed outline.
function share(kind, edge, u, v) {
  const dash = (u + v) % 4 < 2;
  if (kind === FOUND) return edge ? 1 : 0.55;
  if (kind === MISSED) return edge ? 1 : 0;
  if (kind === FALSE) return edge && dash ? 1 : (u + v) % 6 < 2 ? 0.9 : 0.15;
  return edge && (u + v) % 6 < 2 ? 1 : 0;
}

function paint(canvas, grey, classes, rows, columns, size, colours) {
  [canvas.width, canvas.height] = [columns * size, rows * size];
  const image = new ImageData(canvas.width, canvas.height);
  const thick = size > 4 ? 2 : 1;
  const kindAt = (row, column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? NONE : classes[row * columns + column];
  for (let y = 0; y < canvas.height; y += 1) {
    for (let x = 0; x < canvas.width; x += 1) {
      const [row, column] = [Math.floor(y / size), Math.floor(x / size)];
      const [kind, g] = [kindAt(row, column), grey[row * columns + column]];
      const [u, v] = [x % size, y % size];
      const edge =
        (u < thick && kindAt(row, column - 1) !== kind) ||
        (u >= size - thick && kindAt(row, column + 1) !== kind) ||
        (v < thick && kindAt(row - 1, column) !== kind) ||
        (v >= size - thick && kindAt(row + 1, column) !== kind);
      const part = kind === NONE ? 0 : share(kind, edge, x, y);
      const at = 4 * (y * canvas.width + x);
      for (let c = 0; c < 3; c += 1) {
        image.data[at + c] = Math.round(g + part * ((colours[kind]?.[c] ?? g) - g));
      }
      image.data[at + 3] = 255;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function legend(colours) {
  const names = { [FOUND]: "found", [MISSED]: "missed", [FALSE]: "false", [OTHER]: "other pathology, not scored" };
  const counts = {};
  const items = Object.entries(names).map(([kind, name]) => {
    const swatch = html("canvas", { "aria-hidden": "true" });
    const classes = Uint8Array.from({ length: 15 }, (_, i) => (i > 4 && i < 10 && i % 5 && i % 5 < 4 ? Number(kind) : NONE));
    paint(swatch, new Uint8Array(15).fill(80), classes, 3, 5, 8, colours);
    counts[kind] = html("span", {});
    return html("li", {}, swatch, counts[kind]);
  });
  const tell = (classes) => {
    for (const [kind, name] of Object.entries(names)) {
      const count = classes.reduce((sum, k) => sum + (k === Number(kind)), 0);
      counts[kind].textContent = `${name}: ${count} voxels`;
      counts[kind].dataset.count = count;
    }
  };
  return { root: html("ul", { class: "kdlib-legend" }, ...items), tell };
}

const number = (value, metric) =>
  value === null || value === undefined ? "–" : value.toFixed(metric.digits);

function mean(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
}

function scoreTable(table, metrics, chosen, others) {
  const head = html("tr", {}, ...["Score", "Subject", "Mean"].map((t) => html("th", { scope: "col" }, t)));
  const rows = metrics.map((metric) =>
    html(
      "tr",
      { "data-metric": metric.key },
      html("th", { scope: "row" }, metric.name),
      html("td", {}, number(chosen.scores[metric.key], metric)),
      html("td", {}, number(mean(others.map((run) => run.scores[metric.key])), metric)),
    ),
  );
  table.replaceChildren(html("thead", {}, head), html("tbody", {}, ...rows));
}

function axisOf(metric, values) {
  if (metric.bounded) return { name: metric.name, low: 0, high: 1, ticks: evenly([0, 0.25, 0.5, 0.75, 1]) };
  const top = Math.max(...values, 1);
  const unit = 10 ** Math.floor(Math.log10(top));
  const step = [0.2, 0.5, 1, 2].map((s) => s * unit).find((s) => top / s <= 5) ?? 2 * unit;
  const count = Math.ceil(top / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(3)));
  return { name: metric.name, low: 0, high: count * step, ticks: evenly(ticks) };
}

const LONGEST = 22; // letters of a label that stand beside a chart
const shortened = (label) => (label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label);

// A row per method, a dot per subject; the chosen method filled, the chosen subject ringed.
// `arms`: name and label of each method.
function distribution(runs, arms, metric, chosen) {
  const names = arms.map(([name]) => name);
  const labels = Object.fromEntries(arms);
  const longest = Math.max(...arms.map(([, label]) => shortened(label).length));
  const known = runs.filter((run) => typeof run.scores[metric.key] === "number");
  const axis = axisOf(metric, known.map((run) => run.scores[metric.key]));
  const rows = arms.length;
  const drawn = chart(
    `${metric.name}: each dot is one subject`,
    axis,
    { name: "", low: -0.6, high: rows - 0.4, ticks: arms.map(([, label], i) => [rows - 1 - i, shortened(label)]) },
    { height: 62 + 24 * rows, left: Math.max(112, 16 + 7.4 * longest) },
  );
  for (const run of known) {
    const y = drawn.y(rows - 1 - names.indexOf(run.arm));
    const mine = run.arm === chosen.arm;
    const ringed = run.subject === chosen.subject;
    const place = { cx: drawn.x(run.scores[metric.key]), cy: y };
    const note = svg("title", {}, `${labels[run.arm]}, subject ${run.subject}: ${number(run.scores[metric.key], metric)}`);
    const dot = svg("circle", { ...place, r: 3.5, class: mine ? "kdlib-dot" : "kdlib-other" }, note);
    drawn.marks.append(dot);
    if (mine && ringed) {
      drawn.marks.append(
        svg("circle", { ...place, r: 7, class: "kdlib-ring", "data-value": run.scores[metric.key] }),
      );
    }
  }
  const text = number(chosen.scores[metric.key], metric);
  const words = `${labels[chosen.arm]}, subject ${chosen.subject}: ${metric.name} ${text}`;
  drawn.root.setAttribute("aria-label", words);
  for (const label of drawn.root.querySelectorAll(".kdlib-axes text")) {
    if (label.textContent === shortened(labels[chosen.arm])) label.classList.add("kdlib-title");
  }
  return drawn.root;
}

// Level by level what can be chosen, and what is: the wish where it can be, else the first.
function settle(runs, wishes) {
  const offers = {};
  const chosen = {};
  let left = runs;
  for (const level of LEVELS) {
    offers[level] = [...new Set(left.map((run) => run[level]))];
    chosen[level] = offers[level].includes(wishes[level]) ? wishes[level] : offers[level][0];
    left = left.filter((run) => run[level] === chosen[level]);
  }
  return { offers, chosen, run: left[0] };
}

async function render({ model, el }) {
  const { runs, metrics, arms, colours } = model.get("facts");
  const arrays = await unpack(model);
  const labels = Object.fromEntries(arms);
  const palette = [null, ...["found", "missed", "false", "other"].map((name) => rgb(colours[name]))];
  const wishes = () => Object.fromEntries(LEVELS.map((level) => [level, model.get(level)]));
  const wish = (level) => (value) =>
    set(model, settle(runs, { ...settle(runs, wishes()).chosen, [level]: value }).chosen);
  const titles = { source: "Source", target: "Target", arm: "Method", fold: "Fold", subject: "Subject" };
  const lists = Object.fromEntries(LEVELS.map((level) => [level, choice(titles[level], wish(level))]));
  const metricList = choice("Score in the chart", (value) => set(model, { metric: value }));

  const picture = html("canvas", { role: "img" });
  const key = legend(palette);
  const table = html("table", { class: "kdlib-scores" });
  const says = html("p", { class: "kdlib-says", role: "status" });
  const strip = html("div", { class: "kdlib-charts" });
  const controls = [...LEVELS.map((level) => lists[level].root), metricList.root];
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Clinic-pair explorer" },
    html("div", { class: "kdlib-controls" }, ...controls),
    html(
      "div",
      { class: "kdlib-pictures" },
      html("figure", { class: "kdlib-large" }, picture, key.root),
      html("div", { class: "kdlib-beside" }, says, table, strip),
    ),
  );
  el.append(root);

  const draw = () => {
    const { offers, chosen, run } = settle(runs, wishes());
    for (const level of LEVELS) {
      const text = { source: written, target: written, arm: (name) => labels[name] }[level] ?? String;
      lists[level].offer(offers[level].map((value) => [value, text(value)]), chosen[level]);
    }
    const metric = metrics.find((m) => m.key === model.get("metric")) ?? metrics[0];
    metricList.offer(metrics.map((m) => [m.key, m.name]), metric.key);
    const [flair, truth, answer] = [arrays[run.flair], arrays[run.truth], arrays[run.answer]];
    const [rows, columns] = flair.shape;
    const classes = classify(truth.values, answer.values);
    paint(picture, flair.values, classes, rows, columns, Math.max(5, Math.round(640 / columns)), palette);
    key.tell(classes);
    const pair = runs.filter((r) => r.source === run.source && r.target === run.target);
    const mine = pair.filter((r) => r.arm === run.arm);
    scoreTable(table, metrics, run, mine);
    strip.replaceChildren(distribution(pair, arms.filter(([name]) => pair.some((r) => r.arm === name)), metric, run));
    says.textContent =
      `${labels[run.arm]}, ${written(run.source)} → ${written(run.target)}, subject ${run.subject}: the Dice of ` +
      `the whole scan is ${number(run.scores.dice, metrics[0])}. The table shows the mean over ${mine.length} subjects.`;
    picture.setAttribute("aria-label", `${says.textContent} The picture is the slice with the most lesion.`);
  };
  const stop = follow(model, [...LEVELS, "metric"], draw);
  root.dataset.ready = "true";
  replaceStill(model.get("kind"));
  return stop;
}

export default { render };
