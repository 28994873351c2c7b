// A whole scan in three planes (niivue), with answers over it that fade.

const VIEWS = { "three planes": "MULTIPLANAR", axial: "AXIAL", coronal: "CORONAL", sagittal: "SAGITTAL", surface: "RENDER" };

// niivue, from the page's own files where a book was built, else from the kernel.
function loadNiivue(model) {
  const root = document.documentElement.dataset.content_root;
  if (root === undefined) return fromKernel(model);
  const url = new URL(`${root}_static/vendor/niivue.umd.js`, document.baseURI).href;
  return new Promise((resolve, reject) => window.requirejs([url], resolve, reject));
}

function fromKernel(model) {
  return new Promise((resolve, reject) => {
    const answered = async (message, buffers) => {
      if (message.kind !== "niivue") return;
      model.off("msg:custom", answered);
      if (!buffers.length) return reject(new Error(message.reason));
      const parts = ["const exports = {}, module = {};\n", buffers[0], "\nexport default exports;"];
      const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
      resolve((await import(url)).default);
      URL.revokeObjectURL(url);
    };
    model.on("msg:custom", answered);
    model.send({ kind: "niivue" });
  });
}

const oneColour = (hex) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return { R: [0, r], G: [0, g], B: [0, b], A: [0, 255], I: [0, 255] };
};

async function load(niivue, viewer, arrays, overlays) {
  const image = (name, options) => {
    const { values } = arrays[name];
    const url = values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength);
    return niivue.NVImage.loadFromUrl({ url, name: `${name}.nii`, ...options });
  };
  viewer.addVolume(await image("flair", { colormap: "gray", cal_min: 0, cal_max: 255 }));
  for (const { name, colour } of overlays) {
    viewer.addColormap(`kdlib-${name}`, oneColour(colour));
    const options = { colormap: `kdlib-${name}`, cal_min: 0.5, cal_max: 1 };
    viewer.addVolume(await image(name, options));
  }
}

async function render({ model, el }) {
  const { overlays, slices, words } = model.get("facts");
  const canvas = html("canvas", { role: "img", "aria-label": words });
  const frame = html("div", { class: "kdlib-scan" }, canvas);
  const view = choice("View", (value) => set(model, { view: value }));
  const axial = slider("Slice", { min: 0, max: slices - 1, step: 1 }, (value) => set(model, { place: value }));
  const fades = overlays.map(({ name, colour }) => {
    const fade = slider(name, { min: 0, max: 1, step: 0.05 }, (value) => set(model, { [name]: value }));
    fade.root.prepend(html("span", { class: "kdlib-swatch", style: `background: ${colour}` }));
    return fade;
  });
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Scan viewer" },
    html("div", { class: "kdlib-controls" }, view.root, axial.root, ...fades.map((fade) => fade.root)),
    frame,
    html("p", { class: "kdlib-says" }, words),
  );
  const arrays = await unpack(model);
  const niivue = await loadNiivue(model);
  el.append(root);
  const viewer = new niivue.Niivue({
    backColor: [0, 0, 0, 1], dragAndDropEnabled: false, isRadiologicalConvention: true,
    isNearestInterpolation: true, logLevel: "error", loadingText: "", crosshairWidth: 0.5,
    crosshairColor: [0.9, 0.9, 0.9, 0.7], show3Dcrosshair: true,
  });
  await viewer.attachToCanvas(canvas);
  if (!viewer.gl) throw new Error("this browser has no WebGL 2");
  await load(niivue, viewer, arrays, overlays);

  const draw = () => {
    const place = Math.min(Math.max(model.get("place"), 0), slices - 1);
    view.offer(evenly(Object.keys(VIEWS)), model.get("view"));
    axial.tell(place, `${place + 1} of ${slices}`);
    overlays.forEach(({ name }, i) => {
      const opacity = model.get(name);
      fades[i].tell(opacity, `${Math.round(100 * opacity)} %`);
      if (viewer.volumes[i + 1].opacity !== opacity) viewer.setOpacity(i + 1, opacity);
    });
    viewer.setSliceType(viewer[`sliceType${pascal(VIEWS[model.get("view")])}`]);
    const [x, y] = viewer.scene.crosshairPos;
    viewer.scene.crosshairPos = [x, y, (place + 0.5) / slices];
    viewer.drawScene();
  };
  const names = overlays.map(({ name }) => name);
  const stop = follow(model, ["view", "place", ...names], draw);
  root.dataset.ready = "true";
  replaceStill(model.get("kind"));
  return () => {
    stop();
    viewer.cleanup();
  };
}

const pascal = (word) => (word === "MULTIPLANAR" ? "Multiplanar" : word[0] + word.slice(1).toLowerCase());

export default { render };
