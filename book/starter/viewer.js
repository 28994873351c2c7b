// The scan in three planes with the mask over it (niivue).

const VIEWS = {
  "three planes": "sliceTypeMultiplanar", axial: "sliceTypeAxial", coronal: "sliceTypeCoronal",
  sagittal: "sliceTypeSagittal",
};
const OPTIONS = {
  backColor: [0, 0, 0, 1], dragAndDropEnabled: false, isRadiologicalConvention: true,
  isNearestInterpolation: true, logLevel: "error", loadingText: "", show3Dcrosshair: true,
  crosshairWidth: 1, crosshairWidthUnit: "mm", crosshairColor: [0.9, 0.9, 0.9, 0.7],
};
const YELLOW = { R: [0, 240], G: [0, 228], B: [0, 66], A: [0, 255], I: [0, 255] };

// A viewer on the canvas: {show(result, mask), mark(mask), fade(opacity), view(name)}.
async function openViewer(canvas) {
  const niivue = await loadNiivue();
  const viewer = new niivue.Niivue(OPTIONS);
  await viewer.attachToCanvas(canvas);
  if (!viewer.gl) throw new Error("this browser has no WebGL 2");
  viewer.addColormap("kdlib-lesion", YELLOW);
  const image = (name, url, options) => niivue.NVImage.loadFromUrl({ url, name: `${name}.nii`, ...options });
  return {
    async show(result, mask) {
      while (viewer.volumes.length) viewer.removeVolume(viewer.volumes[0]);
      const [low, high] = result.range;
      const scan = library.viewedFile(result, result.scan);
      viewer.addVolume(await image("scan", scan, { colormap: "gray", cal_min: low, cal_max: high }));
      const over = { colormap: "kdlib-lesion", cal_min: 0.5, cal_max: 1 };
      viewer.addVolume(await image("mask", library.viewedFile(result, mask), over));
      viewer.scene.crosshairPos = middleOf(result.shape, mask);
    },
    mark(mask) {
      viewer.volumes[1].img.set(mask);
      viewer.updateGLVolume();
    },
    fade: (opacity) => viewer.setOpacity(1, opacity),
    view: (name) => viewer.setSliceType(viewer[VIEWS[name]]),
  };
}

// The slice with most lesion, in the shares that niivue counts in (right, front, up).
function middleOf([x, y, z], mask) {
  const counts = new Uint32Array(z);
  for (let i = 0; i < mask.length; i += 1) counts[Math.floor(i / (x * y))] += mask[i];
  const most = counts.indexOf(counts.reduce((a, b) => Math.max(a, b)));
  return [0.5, 0.5, counts[most] ? (most + 0.5) / z : 0.5];
}
