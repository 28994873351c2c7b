// The scan in three planes with the mask over it (niivue).

const YELLOW = { R: [0, 240], G: [0, 228], B: [0, 66], A: [0, 255], I: [0, 255] };

// A viewer on the canvas: {show(result, mask), mark(mask), fade(opacity), view(name), go(slice)} and
// place(), the slice that is shown and how many there are. `onMove()` is called if a hand moves it.
async function openViewer(canvas, onMove) {
  const niivue = await loadNiivue();
  const viewer = await planesOn(canvas, niivue, YELLOW);
  let [along, shape] = [2, [1, 1, 1]];
  const axis = () => ({ along, slices: shape[along] });
  viewer.onLocationChange = onMove;
  return {
    async show(result, mask) {
      shape = result.shape;
      const scan = [library.viewedFile(result, result.scan), ...result.range];
      await showPlanes(viewer, niivue, scan, [library.viewedFile(result, mask), 0.5, 1]);
      viewer.scene.crosshairPos = middleOf(result.shape, mask);
    },
    mark(mask) {
      if (viewer.volumes.length < 2) return; // the scan could not be shown
      viewer.volumes[1].img.set(mask);
      viewer.updateGLVolume();
    },
    fade: (opacity) => viewer.volumes.length < 2 || viewer.setOpacity(1, opacity),
    view(name) {
      along = AXES[name] ?? 2;
      viewer.setSliceType(viewer[VIEWS[name]]);
    },
    go(slice) {
      const cross = [...viewer.scene.crosshairPos];
      cross[along] = (slice + 0.5) / shape[along];
      viewer.scene.crosshairPos = cross;
      viewer.drawScene();
    },
    place: () => [here(viewer, axis()), axis().slices],
  };
}

// The slice with most lesion, in the shares that niivue counts in (right, front, up).
function middleOf([x, y, z], mask) {
  const counts = new Uint32Array(z);
  for (let i = 0; i < mask.length; i += 1) counts[Math.floor(i / (x * y))] += mask[i];
  const most = counts.indexOf(counts.reduce((a, b) => Math.max(a, b)));
  return [0.5, 0.5, counts[most] ? (most + 0.5) / z : 0.5];
}
