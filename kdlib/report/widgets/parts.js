// What the explorers share. Text from data enters the page as text nodes and attributes, never as
// HTML.

const ARRAYS = { uint8: Uint8Array, int16: Int16Array, float32: Float32Array };
const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const html = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// The arrays that Python packed, by name: {values, shape}.
async function unpacked(packed, contents) {
  const gzip = new DecompressionStream("gzip");
  const bytes = await new Response(new Blob([packed]).stream().pipeThrough(gzip)).arrayBuffer();
  return Object.fromEntries(
    contents.map(({ name, type, shape, start, length }) => [
      name,
      { shape, values: new ARRAYS[type](bytes, start, length) },
    ]),
  );
}

const unpack = (model) => unpacked(model.get("packed"), model.get("contents"));

// A labelled drop-down list; `offer` replaces what can be chosen.
function choice(name, onChange) {
  const select = html("select");
  select.addEventListener("change", () => onChange(select.value));
  const offer = (options, chosen) => {
    select.replaceChildren(
      ...options.map(([value, text]) => html("option", { value }, text)),
    );
    select.value = chosen;
  };
  return { root: html("label", {}, html("span", {}, name), select), offer };
}

// A labelled slider; `tell` sets it and says in words where it stands.
function slider(name, range, onInput) {
  const input = html("input", { type: "range", ...range });
  const words = html("span", { class: "kdlib-words" }); // a label would name an output, not the slider
  input.addEventListener("input", () => onInput(Number(input.value)));
  const tell = (value, text) => {
    input.value = value;
    input.setAttribute("aria-valuetext", text);
    words.textContent = text;
  };
  const label = html("span", {}, name, " ", words);
  return { root: html("label", {}, label, input), input, tell };
}

// Keep values of the model, what is drawn and the page's address in step, from either side. Values
// that change together are drawn once.
function follow(model, names, draw) {
  let [asked, ended] = [false, false];
  const redraw = () => {
    if (!asked) queueMicrotask(() => {
      asked = false;
      if (!ended) draw();
    });
    asked = true;
  };
  const leave = addressed(model, names);
  for (const name of names) model.on(`change:${name}`, redraw);
  draw();
  return () => {
    ended = true;
    leave();
    names.forEach((name) => model.off(`change:${name}`, redraw));
  };
}

function set(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

const QUIET_MS = 300; // a browser allows few writes of the address, and a slider moves many times
const readAddress = () => new URLSearchParams(location.hash.replace(/^#/, ""));

// Keep these values of the model in the page's address, so that what is seen can be shared. The
// address is read when it comes, and written when somebody has moved a control.
function addressed(model, names) {
  const kind = model.get("kind");
  const read = () => {
    const found = readAddress();
    for (const name of names.filter((one) => found.has(`${kind}.${one}`))) {
      const text = found.get(`${kind}.${name}`);
      const now = model.get(name);
      const several = Array.isArray(now) ? text.split("|").filter(Boolean) : text;
      const value = typeof now === "number" ? Number(text) : several;
      if (!Number.isNaN(value)) model.set(name, value);
    }
  };
  read();
  const write = () => {
    const now = readAddress();
    for (const key of [...now.keys()]) if (!key.includes(".") && !now.get(key)) now.delete(key); // a section's
    for (const name of names) now.set(`${kind}.${name}`, [model.get(name)].flat().join("|"));
    history.replaceState(null, "", `#${now}`);
  };
  let later;
  const wait = () => {
    clearTimeout(later);
    later = setTimeout(write, QUIET_MS);
  };
  for (const name of names) model.on(`change:${name}`, wait);
  window.addEventListener("hashchange", read); // a link was pasted here; our own writing calls nothing
  return () => {
    window.removeEventListener("hashchange", read);
    clearTimeout(later);
    names.forEach((name) => model.off(`change:${name}`, wait));
  };
}

// A chart's frame. Each axis: {name, low, high, ticks: [[value, text], ...]}; x and y place values.
function chart(title, xAxis, yAxis, { height = 190, left = 46, right = 10 } = {}) {
  const [width, top, bottom] = [340, 22, 38];
  const x = (value) =>
    left + ((value - xAxis.low) / (xAxis.high - xAxis.low)) * (width - left - right);
  const y = (value) =>
    height - bottom - ((value - yAxis.low) / (yAxis.high - yAxis.low)) * (height - top - bottom);
  const grid = svg("g", { class: "kdlib-axes" });
  for (const [value, text] of xAxis.ticks) {
    grid.append(
      svg("line", { x1: x(value), x2: x(value), y1: height - bottom, y2: height - bottom + 4 }),
      svg("text", { x: x(value), y: height - bottom + 15, "text-anchor": "middle" }, text),
    );
  }
  for (const [value, text] of yAxis.ticks) {
    grid.append(
      svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 9, y: y(value) + 4, "text-anchor": "end" }, text),
    );
  }
  const marks = svg("g");
  const root = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img" },
    svg("text", { x: 0, y: 12, class: "kdlib-title" }, title),
    grid,
    svg("text", { x: (left + width) / 2, y: height - 5, "text-anchor": "middle" }, xAxis.name),
    marks,
  );
  return { root, marks, x, y, foot: height - bottom, top };
}

// A chart with a row for each label, the first above; `row(i)` is where row i lies. The chosen
// label is bold.
function rowChart(title, axis, labels, chosen, { right = 10 } = {}) {
  const names = labels.map(shortened);
  const longest = Math.max(...names.map((name) => name.length));
  const ticks = names.map((name, i) => [names.length - 1 - i, name]);
  const drawn = chart(
    title,
    axis,
    { name: "", low: -0.6, high: names.length - 0.4, ticks },
    { height: 62 + 25 * names.length, left: Math.max(80, 16 + 7.4 * longest), right },
  );
  const shown = drawn.root.querySelectorAll(".kdlib-axes text");
  if (labels.includes(chosen)) shown[axis.ticks.length + labels.indexOf(chosen)].classList.add("kdlib-title");
  return { ...drawn, row: (i) => drawn.y(names.length - 1 - i) };
}

// Level by level what can be chosen of `items`, and what is: the wish where it can be, else the
// first. `levels` reads the value of each level from an item. `left` are the items of all choices.
function cascade(items, levels, wishes) {
  const [offers, chosen] = [{}, {}];
  let left = items;
  for (const [level, read] of Object.entries(levels)) {
    offers[level] = [...new Set(left.map(read))];
    chosen[level] = offers[level].includes(wishes[level]) ? wishes[level] : offers[level][0];
    left = left.filter((item) => read(item) === chosen[level]);
  }
  return { offers, chosen, left };
}

// A clinic's name as it is written: its key has small letters.
const written = (clinic) => clinic.charAt(0).toUpperCase() + clinic.slice(1);

// A number with the sign that printers use, and as many digits as show that it is not 0.
const LITTLE = 1e-6; // less is 0 but for rounding
const signed = (value, digits = 3) => {
  let shown = digits;
  while (Math.abs(value) >= LITTLE && Math.abs(value) < 0.5 * 10 ** -shown) shown += 1;
  const size = Math.abs(value).toFixed(shown);
  return `${value < 0 && Number(size) > 0 ? "−" : "+"}${size}`;
};

const LONGEST = 22; // letters of a label that stand beside a chart
const shortened = (label) => (label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label);

const within = (value, low, high) => Math.min(Math.max(value, low), high);

const evenly = (values, write = String) => values.map((value) => [value, write(value)]);

// An explorer works. It hides the still picture that it replaces, which print shows again. A link
// that names the explorer leads to it.
function ready(model, root) {
  const kind = model.get("kind");
  root.dataset.ready = "true";
  for (const still of document.querySelectorAll("figure.kdlib-still")) {
    if (still.dataset.explorer === kind) still.classList.add("kdlib-replaced");
  }
  const named = [...readAddress().keys()].some((key) => key.startsWith(`${kind}.`));
  if (named && window.scrollY === 0) root.scrollIntoView();
}
