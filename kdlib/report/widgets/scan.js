// A whole scan in three planes (niivue), once with what the teacher and once with what the student
// found, missed and made up.

const ALL_VIEWS = { ...VIEWS, surface: "sliceTypeRender" };
const ANSWERS = ["teacher", "student"];

async function loadNiivue(model) {
  const url = pageUrl("_static/vendor/niivue.umd.js");
  if (url) return new Promise((resolve, reject) => window.requirejs([url], resolve, reject));
  const parts = ["const exports = {}, module = {};\n", await fromKernel(model, "niivue"), "\nexport default exports;"];
  const made = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  const niivue = (await import(made)).default;
  URL.revokeObjectURL(made);
  return niivue;
}

// One colour for each class 0 to 4, without steps between them. Class 0 has none.
function colourOf(palette) {
  const ends = palette.flatMap((_, i) => [i, i]);
  const at = (i) => within(Math.round(((i - 0.5) / (palette.length - 1)) * 255), 0, 255);
  const channel = (c) => ends.map((i) => palette[i]?.[c] ?? 0);
  return {
    R: channel(0), G: channel(1), B: channel(2), A: ends.map((i) => (i ? 255 : 0)),
    I: ends.map((i, n) => (n % 2 ? Math.max(at(i + 1) - (i < palette.length - 1 ? 1 : 0), 0) : at(i))),
  };
}

// A place for a picture; `fresh(onLost)` puts a new canvas into it, which a browser may take away.
function picture(answer) {
  const frame = html("div", { class: "kdlib-scan", "data-answer": answer });
  const says = html("figcaption", {});
  const fresh = (onLost) => {
    const canvas = planesCanvas();
    canvas.addEventListener("webglcontextlost", () => frame.contains(canvas) && onLost());
    frame.replaceChildren(canvas);
    return canvas;
  };
  const tell = (words) => {
    says.textContent = words;
    frame.firstChild.setAttribute("aria-label", words);
  };
  return { fresh, tell, root: html("figure", {}, frame, says) };
}

// A NIfTI file of values on the grid of a scan.
function niftiOf({ header }, values) {
  const file = new Uint8Array(header.values.length + values.length);
  file.set(header.values);
  file.set(values, header.values.length);
  return file.buffer;
}

function counted(answer, classes) {
  const of = (kind) => classes.reduce((sum, one) => sum + (one === kind), 0);
  const [found, missed, wrong] = [FOUND, MISSED, FALSE].map(of);
  return `The ${answer} found ${found} of ${found + missed} lesion voxels of this scan, and ${wrong} that it marked are false.`;
}

// What can be chosen: every scan once for each source.
const offersOf = (scans) =>
  scans.flatMap((scan) =>
    Object.keys(scan.pictures).map((source) => ({ source, scan, pair: `${source} ${scan.target}` })),
  );

function settle(all, pair, subject) {
  const read = { pair: (one) => one.pair, subject: ({ scan }) => scan.subject };
  const { offers, left } = cascade(all, read, { pair, subject });
  return { subjects: offers.subject, one: left[0] };
}

// Along which axis (right, front, up) a view goes through the slices of a scan, and how many it has.
function axisOf(scan, view) {
  const along = AXES[view] ?? 2;
  return { along, slices: scan.contents.find(({ name }) => name === "flair").shape[2 - along] };
}

async function render({ model, el }) {
  const { scans, colours } = model.get("facts");
  const offers = offersOf(scans);
  const palette = paletteOf(colours);
  const chosen = () => settle(offers, model.get("pair"), model.get("subject"));
  // Another scan is shown where it has most lesion; another teacher keeps the place.
  const wish = (pair, subject) => {
    const [now, { one }] = [chosen().one, settle(offers, pair, subject)];
    const keeps = one.scan === now.scan || axisOf(one.scan, viewOf()).along < 2;
    const place = keeps ? model.get("place") : one.scan.fullest;
    set(model, { pair: one.pair, subject: one.scan.subject, place });
  };
  const pairs = choice("Clinics", (value) => wish(value, model.get("subject")));
  const subjects = choice("Subject", (value) => wish(chosen().one.pair, value));
  const viewOf = () => (Object.hasOwn(ALL_VIEWS, model.get("view")) ? model.get("view") : "three planes");
  // Another view begins where the cross stands.
  const view = choice("View", (value) => {
    const axis = axisOf(chosen().one.scan, value);
    set(model, { view: value, ...(there && { place: here(viewers[0], axis) }) });
  });
  const slice = slider("Slice", { min: 0, step: 1 }, (value) => set(model, { place: value }));
  const fade = slider("Colours", { min: 0, max: 1, step: 0.05 }, (value) => set(model, { opacity: value }));
  const shown = ANSWERS.map(picture);
  const key = legend(palette);
  const says = html("p", { class: "kdlib-says", role: "status" });
  const planes = html("div", { class: "kdlib-scans" }, ...shown.map((one) => one.root));
  const again = html("button", { type: "button", class: "kdlib-button", hidden: "" }, "Try again");
  again.addEventListener("click", () => draw());
  const controls = [...[pairs, subjects, view, slice, fade].map((control) => control.root), again];
  pairs.root.classList.add("kdlib-wide");
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Scan viewer" },
    html("div", { class: "kdlib-controls" }, ...controls),
    planes,
    key.root,
    says,
  );
  el.append(root);
  const load = scanLoader(model);
  const place = ({ slices }) => within(Math.trunc(model.get("place")), 0, slices - 1);
  let [niivue, viewers, there, wanted] = [null, [], null, Promise.resolve()];
  let ended = false;
  const lost = () => {
    if (ended) return;
    [viewers, there] = [[], null];
    fail(new Error("the browser took the picture away"));
  };
  const open = async () => {
    const opened = [];
    for (const one of shown) opened.push(await planesOn(one.fresh(lost), niivue, colourOf(palette)));
    viewers = opened;
    viewers.forEach((viewer, i) => follows(viewers[1 - i], viewer));
  };
  // What one viewer shows, the other shows too.
  const follows = (other, viewer) => {
    viewer.onLocationChange = () => {
      if (!there || String(other.scene.crosshairPos) === String(viewer.scene.crosshairPos)) return;
      other.scene.crosshairPos = [...viewer.scene.crosshairPos];
      other.drawScene();
      const at = here(viewer, axisOf(there.scan, viewOf()));
      if (at !== model.get("place")) set(model, { place: at });
    };
    viewer.onAzimuthElevationChange = (azimuth, elevation) => {
      const { renderAzimuth, renderElevation } = other.scene;
      if (renderAzimuth !== azimuth || renderElevation !== elevation) other.setRenderAzimuthElevation(azimuth, elevation);
    };
  };
  try {
    niivue = await loadNiivue(model);
    await open();
  } catch (error) {
    root.replaceChildren(html("p", {}, `The scan viewer does not work here: ${error.message}.`));
    return undefined;
  }

  const bring = async (one) => {
    if (chosen().one !== one || there === one) return;
    const { source, scan } = one;
    if (!viewers.length) await open();
    const arrays = await load(scan);
    const flair = [niftiOf(arrays, arrays.flair.values), 0, 255];
    for (const [i, answer] of ANSWERS.entries()) {
      const classes = classify(arrays.truth.values, arrays[scan.pictures[source][answer]].values);
      await showPlanes(viewers[i], niivue, flair, [niftiOf(arrays, classes), 0, OTHER]);
      shown[i].tell(counted(answer, classes));
    }
    there = one;
  };
  const opacity = () => within(model.get("opacity"), 0, 1);
  const look = () => {
    const { one } = chosen();
    if (there !== one) return;
    const axis = axisOf(one.scan, viewOf());
    again.hidden = true;
    planes.classList.remove("kdlib-away");
    planes.dataset.view = viewOf();
    for (const viewer of viewers) {
      if (viewer.volumes[1].opacity !== opacity()) viewer.setOpacity(1, opacity());
      viewer.setSliceType(viewer[ALL_VIEWS[viewOf()]]);
      const cross = [...viewer.scene.crosshairPos];
      if (here(viewer, axis) !== place(axis)) cross[axis.along] = (place(axis) + 0.5) / axis.slices;
      viewer.scene.crosshairPos = cross;
      viewer.drawScene();
    }
    root.dataset.shown = `${one.pair} ${one.scan.subject}`;
    if (!root.dataset.ready) ready(model, root);
  };
  // No picture of another subject stays beside the name of one whose scan does not come.
  const fail = (error) => {
    planes.classList.add("kdlib-away");
    again.hidden = false;
    says.textContent = `This scan cannot be shown: ${error.message}.`;
  };
  const draw = () => {
    const { subjects: people, one } = chosen();
    const names = [...new Map(offers.map((offer) => [offer.pair, `${written(offer.source)} → ${written(offer.scan.target)}`]))];
    pairs.offer(names, one.pair);
    subjects.offer(evenly(people), one.scan.subject);
    view.offer(evenly(Object.keys(ALL_VIEWS)), viewOf());
    const axis = axisOf(one.scan, viewOf());
    slice.input.max = axis.slices - 1;
    slice.input.disabled = viewOf() === "surface";
    slice.tell(place(axis), slice.input.disabled ? "all" : `${place(axis) + 1} of ${axis.slices}`);
    fade.tell(opacity(), `${Math.round(100 * opacity())} %`);
    says.textContent =
      `Subject ${one.scan.subject} of ${written(one.scan.target)}. The teacher learnt at ${written(one.source)}. ` +
      "It taught the student, which learnt on unlabelled scans of the target.";
    if (there === one) return look();
    there = null;
    wanted = wanted.then(() => bring(one)).then(look).catch((error) => chosen().one === one && fail(error));
    return wanted;
  };
  const stop = follow(model, ["pair", "subject", "view", "place", "opacity"], draw);
  await wanted;
  return () => {
    stop();
    ended = true;
    for (const viewer of viewers) {
      viewer.cleanup();
      viewer.gl.getExtension("WEBGL_lose_context")?.loseContext(); // a browser has only a few
    }
  };
}

export default { render };
