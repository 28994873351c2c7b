// The scan in three planes with the mask over it (niivue).

const YELLOW = { R: [0, 240], G: [0, 228], B: [0, 66], A: [0, 255], I: [0, 255] };

// A viewer on the canvas: {show(result, mask), mark(mask), fade(opacity), view(name)}.
async function openViewer(canvas) {
  const niivue = await loadNiivue();
  const viewer = await planesOn(canvas, niivue, YELLOW);
  return {
    async show(result, mask) {
      const scan = [library.viewedFile(result, result.scan), ...result.range];
      await showPlanes(viewer, niivue, scan, [library.viewedFile(result, mask), 0.5, 1]);
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
