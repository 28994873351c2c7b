// kdlib/own_scans/plausibility.py: what no scan of a patient looks like, one sentence each. The
// bounds are Python's.

// doubts_of_scan, of an LPS image whose head is `inside`.
function doubtsOfScan(shape, spacing, inside, { lengthsMm: [least, most] }) {
  const doubts = shape[2] === 1 ? ["it has one slice; is this a part of a scan?"] : [];
  if (!inside.includes(1)) return [...doubts, "there is no head in it; is this a scan?"];
  const sides = robustBox(shape, inside).slice(0, 2);
  const length = Math.max(...sides.map(([start, stop], axis) => (stop - start) * spacing[axis]));
  if (length < least || length > most) {
    doubts.push(`the head is ${length.toFixed(0)} mm long; is the size of its voxels right?`);
  }
  return doubts;
}

// doubts_of_brain, of the brain's marked voxels and its volume.
function doubtsOfBrain(brain, volume, inside, { brainMl: [least, most], airShare }) {
  const count = brain.reduce((sum, is) => sum + is, 0);
  if (!count) return ["no brain was found in it; is this a FLAIR of a head?"];
  const doubts = [];
  if (volume < least || volume > most) {
    const what = "is this a whole head, and are its voxel sizes right?";
    doubts.push(`its brain has ${volume.toFixed(0)} mL; ${what}`);
  }
  const air = brain.reduce((sum, is, i) => sum + (is && !inside[i]), 0) / count;
  if (air > airShare) {
    const what = "is this a FLAIR of a head?";
    doubts.push(`${(100 * air).toFixed(0)}% of its brain is as dark as air; ${what}`);
  }
  return doubts;
}
