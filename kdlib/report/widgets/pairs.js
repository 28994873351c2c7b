// One answer on one slice: what it found, missed and made up; and its scores among the others'.

const LEVELS = ["source", "target", "arm", "fold", "subject"];
const MOST_BESIDE = 3;
const MOST_LESION = -1; // the slice that is shown at first

// The whole scan that was kept of the subject of a run, with the answers from its source.
const scanOf = (scans, { source, target, subject }) =>
  scans.find((scan) => scan.target === target && scan.subject === subject && scan.answers[source]);

// The slice with most lesion, which every subject has.
function keptSlice(arrays, run) {
  const [rows, columns] = arrays[run.flair].shape;
  return {
    flair: arrays[run.flair].values, truth: arrays[run.truth].values, rows, columns,
    answerOf: (other) => arrays[other.answer].values, place: "the slice with the most lesion",
  };
}

// A slice of a whole scan.
function cutSlice(arrays, scan, source, place) {
  const [, rows, columns] = arrays.flair.shape;
  const cut = (name) => arrays[name].values.subarray(place * rows * columns, (place + 1) * rows * columns);
  return {
    flair: cut("flair"), truth: cut("truth"), rows, columns,
    answerOf: (other) => cut(scan.answers[source][other.arm]), place: `slice ${place + 1}`,
  };
}

// The part of a slice that `zoom` shows: so many rows and columns about the middle of the lesions.
function cropped(array, rows, columns, zoom, middle) {
  const [height, width] = [rows, columns].map((n) => Math.max(8, Math.round(n / zoom)));
  const [top, left] = [
    within(Math.round(middle[0] - height / 2), 0, rows - height),
    within(Math.round(middle[1] - width / 2), 0, columns - width),
  ];
  const part = new Uint8Array(height * width);
  for (let row = 0; row < height; row += 1) {
    const start = (top + row) * columns + left;
    part.set(array.subarray(start, start + width), row * width);
  }
  return [part, height, width];
}

// Where the lesions of a slice lie in the mean; the middle of the slice without any.
function middleOf(truth, rows, columns) {
  let [row, column, count] = [0, 0, 0];
  truth.forEach((label, i) => {
    if (label !== LESION) return;
    row += Math.floor(i / columns);
    column += i % columns;
    count += 1;
  });
  return count ? [row / count, column / count] : [rows / 2, columns / 2];
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

// A scan without lesions and without an answer has no Dice.
const hasDice = (run) => typeof run.scores.dice === "number";
const keyOf = (run) => JSON.stringify([run.source, run.target, run.fold, run.subject]);

// How much Dice each of `runs` of an arm has more than no adaptation on the same subject.
function gainsOf(runs, arm, lower) {
  const scored = runs.filter(hasDice);
  const bound = new Map(scored.filter((r) => r.arm === lower).map((r) => [keyOf(r), r.scores.dice]));
  return scored
    .filter((r) => r.arm === arm && bound.has(keyOf(r)))
    .map((run) => ({ run, gain: run.scores.dice - bound.get(keyOf(run)) }));
}

// A table of the pairs of clinics, a source a row: the gain of an arm, or its Dice without a bound.
function heatMap(runs, [arm, label], lower, chosen, pick) {
  const names = (level) => [...new Set(runs.map((run) => run[level]))];
  const sources = names("source");
  const alike = names("target").filter((target) => !sources.includes(target));
  const targets = [...sources.filter((name) => names("target").includes(name)), ...alike];
  const gains = arm === lower || !lower ? [] : gainsOf(runs, arm, lower);
  const valueOf = (source, target) => {
    const here = (run) => run.source === source && run.target === target;
    if (gains.length) return mean(gains.filter(({ run }) => here(run)).map(({ gain }) => gain));
    return mean(runs.filter((run) => run.arm === arm && here(run) && hasDice(run)).map((run) => run.scores.dice));
  };
  const cell = (source, target) => {
    const value = valueOf(source, target);
    if (value === null) return html("td", {}, "");
    const text = gains.length ? signed(value) : value.toFixed(3);
    const share = gains.length ? Math.min(Math.abs(value) / 0.1, 1) : 0;
    const colour = value < 0 ? "170, 68, 153" : "17, 119, 51";
    const button = html("button", {
      type: "button", style: `background: rgba(${colour}, ${(0.65 * share).toFixed(2)})`,
      "aria-pressed": String(source === chosen.source && target === chosen.target),
      "aria-label": `${written(source)} to ${written(target)}: ${text}`,
    }, text);
    button.addEventListener("click", () => pick(source, target));
    return html("td", {}, button);
  };
  const head = html("tr", {}, html("th", {}, "from ↓ to →"), ...targets.map((t) => html("th", { scope: "col" }, written(t))));
  const rows = sources.map((source) =>
    html("tr", {}, html("th", { scope: "row" }, written(source)), ...targets.map((t) => cell(source, t))),
  );
  const what = `${label}: ${gains.length ? "change of mean Dice from no adaptation" : "mean Dice"}`;
  return html("table", { class: "kdlib-heat" }, html("caption", {}, what), html("thead", {}, head), html("tbody", {}, ...rows));
}

// A row per method, a dot per subject; the chosen method filled, the chosen subject ringed.
// `arms`: name and label of each method.
function distribution(runs, arms, metric, chosen, pick) {
  const names = arms.map(([name]) => name);
  const labels = Object.fromEntries(arms);
  const known = runs.filter((run) => typeof run.scores[metric.key] === "number");
  const axis = axisOf(metric, known.map((run) => run.scores[metric.key]));
  const drawn = rowChart(`${metric.name}: each dot is one subject`, axis, arms.map(([, label]) => label), labels[chosen.arm]);
  for (const run of known) {
    const y = drawn.row(names.indexOf(run.arm));
    const mine = run.arm === chosen.arm;
    const ringed = run.subject === chosen.subject;
    const place = { cx: drawn.x(run.scores[metric.key]), cy: y };
    const note = svg("title", {}, `${labels[run.arm]}, subject ${run.subject}: ${number(run.scores[metric.key], metric)}`);
    const dot = svg("circle", { ...place, r: 3.5, class: mine ? "kdlib-dot" : "kdlib-other" }, note);
    dot.addEventListener("click", () => pick(run));
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
  return drawn.root;
}

const READ = Object.fromEntries(LEVELS.map((level) => [level, (run) => run[level]]));

function settle(runs, wishes) {
  const { offers, chosen, left } = cascade(runs, READ, wishes);
  return { offers, chosen, run: left[0] };
}

async function render({ model, el }) {
  const { runs, metrics, arms, colours, lower, scans } = model.get("facts");
  const arrays = await unpack(model);
  const load = scanLoader(model);
  const labels = Object.fromEntries(arms);
  const palette = paletteOf(colours);
  const wishes = () => Object.fromEntries(LEVELS.map((level) => [level, model.get(level)]));
  // Another subject is shown where it has most lesion; another method keeps the slice.
  const want = (wished) => {
    const [now, { chosen }] = [settle(runs, wishes()).chosen, settle(runs, wished)];
    const same = now.target === chosen.target && now.subject === chosen.subject;
    set(model, { ...chosen, place: same ? model.get("place") : MOST_LESION });
  };
  const wish = (level) => (value) => want({ ...settle(runs, wishes()).chosen, [level]: value });
  const titles = { source: "Source", target: "Target", arm: "Method", fold: "Fold", subject: "Subject" };
  const lists = Object.fromEntries(LEVELS.map((level) => [level, choice(titles[level], wish(level))]));
  const metricList = choice("Score in the chart", (value) => set(model, { metric: value }));

  const go = (run) => want(Object.fromEntries(LEVELS.map((level) => [level, run[level]])));
  const zoom = slider("Zoom", { min: 1, max: 4, step: 0.5 }, (value) => set(model, { zoom: value }));
  const slice = slider("Slice", { min: 0, step: 1 }, (value) => set(model, { place: value }));
  const worst = html("button", { type: "button", class: "kdlib-button" }, "Worst harmed subject");
  worst.addEventListener("click", () => {
    const gains = gainsOf(runs, settle(runs, wishes()).chosen.arm, lower);
    if (gains.length) go(gains.reduce((a, b) => (b.gain < a.gain ? b : a)).run);
  });
  const boxes = arms.map(([name, label]) => {
    const input = html("input", { type: "checkbox", value: name });
    input.addEventListener("change", () => {
      const kept = model.get("beside").filter((other) => other !== name);
      set(model, { beside: input.checked ? [...kept, name].slice(-MOST_BESIDE) : kept });
    });
    return { input, root: html("label", {}, input, " ", html("span", {}, label)) };
  });
  const beside = html("fieldset", { class: "kdlib-boxes" }, html("legend", {}, "Beside it, on the same slice"), ...boxes.map(({ root: one }) => one));
  const others = html("div", { class: "kdlib-pictures kdlib-others" });
  const way = html("div", { class: "kdlib-way" });
  const picture = html("canvas", { role: "img" });
  const key = legend(palette);
  const table = html("table", { class: "kdlib-scores" });
  const says = html("p", { class: "kdlib-says", role: "status" });
  const strip = html("div", { class: "kdlib-charts" });
  const controls = [...LEVELS.map((level) => lists[level].root), metricList.root, slice.root, zoom.root, worst];
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Clinic-pair explorer" },
    way,
    html("div", { class: "kdlib-controls" }, ...controls),
    html(
      "div",
      { class: "kdlib-pictures" },
      html("figure", { class: "kdlib-large" }, picture, key.root),
      html("div", { class: "kdlib-beside" }, says, table, strip),
    ),
    beside,
    others,
  );
  el.append(root);

  // The slice to draw; while its scan comes, and where that is missing, the one with most lesion.
  // Sets the slider of slices too.
  const sliceOf = (run) => {
    const scan = scanOf(scans, run);
    slice.input.disabled = !scan;
    if (!scan) {
      slice.tell(0, "only the one with most lesion");
      return keptSlice(arrays, run);
    }
    const first = model.get("place") < 0;
    const place = first ? scan.fullest : within(Math.trunc(model.get("place")), 0, scan.slices - 1);
    slice.input.max = scan.slices - 1;
    slice.tell(place, `${place + 1} of ${scan.slices}`);
    if (first) return keptSlice(arrays, run);
    if (there.file === scan.file) return cutSlice(there.arrays, scan, run.source, place);
    load(scan).then(
      (come) => { there = { file: scan.file, arrays: come }; draw(); },
      (error) => scan === scanOf(scans, settle(runs, wishes()).run) && slice.tell(place, error.message),
    );
    return keptSlice(arrays, run);
  };
  let there = {};
  const draw = () => {
    const { offers, chosen, run } = settle(runs, wishes());
    const whole = (subject) => `${subject}${scanOf(scans, { ...run, subject }) ? ", all slices" : ""}`;
    for (const level of LEVELS) {
      const text = { source: written, target: written, arm: (name) => labels[name], subject: whole }[level] ?? String;
      lists[level].offer(offers[level].map((value) => [value, text(value)]), chosen[level]);
    }
    const metric = metrics.find((m) => m.key === model.get("metric")) ?? metrics[0];
    metricList.offer(metrics.map((m) => [m.key, m.name]), metric.key);
    const near = within(model.get("zoom"), 1, 4);
    const seen = sliceOf(run);
    const { flair, truth, answerOf, rows, columns } = seen;
    const classes = classify(truth, answerOf(run));
    const middle = middleOf(truth, rows, columns);
    const show = (canvas, kinds, width) => {
      const [grey, height, across] = cropped(flair, rows, columns, near, middle);
      const [part] = cropped(kinds, rows, columns, near, middle);
      paint(canvas, grey, part, height, across, Math.max(5, Math.round(width / across)), palette);
    };
    show(picture, classes, 640);
    key.tell(classes);
    zoom.tell(near, `${near} ×`);
    worst.disabled = !lower || run.arm === lower;
    const pair = runs.filter((r) => r.source === run.source && r.target === run.target);
    const mine = pair.filter((r) => r.arm === run.arm);
    scoreTable(table, metrics, run, mine);
    const several = new Set(runs.map((r) => `${r.source}/${r.target}`)).size > 1;
    const choosePair = (source, target) => want({ ...settle(runs, wishes()).chosen, source, target });
    const pressed = [...way.querySelectorAll("button")].indexOf(document.activeElement);
    way.replaceChildren(...(several ? [heatMap(runs, [run.arm, labels[run.arm]], lower, run, choosePair)] : []));
    way.querySelectorAll("button")[pressed]?.focus(); // the keyboard goes on where it was
    for (const { input } of boxes) {
      input.checked = model.get("beside").includes(input.value);
      input.disabled = input.value === run.arm;
    }
    const same = pair.filter((r) => r.fold === run.fold && r.subject === run.subject && r.arm !== run.arm);
    others.replaceChildren(...same.filter((r) => model.get("beside").includes(r.arm)).map((other) => {
      const canvas = html("canvas", { role: "img", "data-arm": other.arm });
      show(canvas, classify(truth, answerOf(other)), 480);
      const words = `${labels[other.arm]}: Dice ${number(other.scores.dice, metrics[0])}`;
      canvas.setAttribute("aria-label", words);
      return html("figure", {}, canvas, html("figcaption", {}, words));
    }));
    strip.replaceChildren(distribution(pair, arms.filter(([name]) => pair.some((r) => r.arm === name)), metric, run, go));
    says.textContent =
      `${labels[run.arm]}, ${written(run.source)} → ${written(run.target)}, subject ${run.subject}: the Dice of ` +
      `the whole scan is ${number(run.scores.dice, metrics[0])}. The table shows the mean over ${mine.length} subjects.`;
    picture.setAttribute("aria-label", `${says.textContent} The picture is ${seen.place}.`);
  };
  const stop = follow(model, [...LEVELS, "metric", "zoom", "beside", "place"], draw);
  ready(model, root);
  return stop;
}

export default { render };
