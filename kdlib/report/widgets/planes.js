// A whole scan in three planes (niivue), with something over it: what the explorer of scans and the
// page that runs the starter share.

const VIEWS = {
  "three planes": "sliceTypeMultiplanar", axial: "sliceTypeAxial", coronal: "sliceTypeCoronal",
  sagittal: "sliceTypeSagittal",
};
const AXES = { sagittal: 0, coronal: 1 }; // along which a view goes through slices; else along 2
const OPTIONS = {
  backColor: [0, 0, 0, 1], dragAndDropEnabled: false, isRadiologicalConvention: true,
  isNearestInterpolation: true, logLevel: "error", loadingText: "", show3Dcrosshair: true,
  crosshairWidth: 1, crosshairWidthUnit: "mm", crosshairColor: [0.9, 0.9, 0.9, 0.7],
  viewModeHotKey: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "", // the list of views says what is shown
};

// A canvas for niivue. The wheel and a finger scroll the page until the picture has been clicked.
function planesCanvas() {
  const canvas = html("canvas", { role: "img", tabindex: 0 });
  const scroll = (event) => document.activeElement === canvas || event.stopImmediatePropagation();
  for (const kind of ["wheel", "touchstart", "touchmove", "touchend"]) {
    canvas.addEventListener(kind, scroll, { capture: true, passive: true });
  }
  return canvas;
}

// The slice in which a viewer's cross stands, of so many `slices` along an axis (right, front, up).
const here = (viewer, { along, slices }) =>
  Math.min(Math.floor(viewer.scene.crosshairPos[along] * slices), slices - 1);

// niivue at work on a canvas, with the colours of what lies over a scan; throws where it cannot be.
async function planesOn(canvas, niivue, colours) {
  const viewer = new niivue.Niivue(OPTIONS);
  await viewer.attachToCanvas(canvas);
  if (!viewer.gl) throw new Error("this browser has no WebGL 2");
  viewer.addColormap("kdlib-over", colours);
  return viewer;
}

// Put a scan and what lies over it in the place of what a viewer shows. Each is a NIfTI file
// (ArrayBuffer) and the lowest and the highest value of its colours.
async function showPlanes(viewer, niivue, scan, over) {
  const image = ([url, low, high], name, colormap) =>
    niivue.NVImage.loadFromUrl({ url, name: `${name}.nii`, colormap, cal_min: low, cal_max: high });
  while (viewer.volumes.length) viewer.removeVolume(viewer.volumes[0]);
  viewer.addVolume(await image(scan, "scan", "gray"));
  viewer.addVolume(await image(over, "over", "kdlib-over"));
}
