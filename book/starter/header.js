// kdlib/data/header.py and forms.py: read a NIfTI header. One that cannot be true is refused.

class InputError extends Error {}

const MAXIMUM_VOXELS = 2 ** 26; // of a page; kdlib itself reads four times as many
const MAXIMUM_OFFSET = 2 ** 26;
const HEADER_BYTES = 540;
const TYPES = {
  2: Uint8Array, 4: Int16Array, 8: Int32Array, 16: Float32Array, 64: Float64Array, 256: Int8Array,
  512: Uint16Array, 768: Uint32Array, 1024: BigInt64Array, 1280: BigUint64Array,
};
// Where the fields lie in NIfTI-1 and NIfTI-2, and how they are read.
const NIFTI1 = {
  size: 348, epsilon: 2 ** -23, integer: "Int16", code: "Int16", number: "Float32",
  offset: "Float32", dim: 40, datatype: 70, pixdim: 76, vox_offset: 108, slope: 112, inter: 116,
  qform_code: 252, sform_code: 254, quaternion: 256, srow: 280,
};
const NIFTI2 = {
  size: 540, epsilon: 2 ** -52, integer: "BigInt64", code: "Int32", number: "Float64",
  offset: "BigInt64", dim: 16, datatype: 12, pixdim: 104, vox_offset: 168, slope: 176, inter: 184,
  qform_code: 344, sform_code: 348, quaternion: 352, srow: 400,
};

// What the first bytes of a file say: {shape, affine, forms, type, offset, slope, intercept,
// little}.
function parseHeader(bytes) {
  const { fields, little } = formatOf(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = { Int16: 2, Int32: 4, BigInt64: 8, Float32: 4, Float64: 8 };
  const read = (kind, place, count = 1) =>
    Array.from({ length: count }, (_, i) =>
      Number(view[`get${kind}`](place + i * width[kind], little)),
    );
  const shape = shapeOf(read(fields.integer, fields.dim, 8));
  const [datatype] = read("Int16", fields.datatype);
  if (!TYPES[datatype]) {
    throw new InputError("Its voxels are not one real number each. Export it again, in grey levels.");
  }
  const forms = {
    pixdim: read(fields.number, fields.pixdim, 4),
    qformCode: read(fields.code, fields.qform_code)[0],
    sformCode: read(fields.code, fields.sform_code)[0],
    quaternion: read(fields.number, fields.quaternion, 6),
    srow: read(fields.number, fields.srow, 12),
    epsilon: fields.epsilon,
  };
  return {
    shape, affine: affineOf(forms, shape), forms, type: TYPES[datatype], little,
    offset: offsetOf(read(fields.offset, fields.vox_offset)[0], fields),
    ...scalingOf(read(fields.number, fields.slope)[0], read(fields.number, fields.inter)[0]),
  };
}

const dataBytes = ({ shape, type }) => sizeOf(shape) * type.BYTES_PER_ELEMENT;

function formatOf(bytes) {
  if (bytes.length < 348) throw new InputError("This is not a NIfTI file: it is too short.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (start) => String.fromCharCode(...bytes.subarray(start, start + 4));
  for (const little of [true, false]) {
    const size = view.getInt32(0, little);
    if (size === 348 && text(344) === "n+1\0") return { fields: NIFTI1, little };
    if (size === 540 && text(4) === "n+2\0" && bytes.length >= 540) {
      return { fields: NIFTI2, little };
    }
  }
  throw new InputError(guess(bytes, text));
}

function guess(bytes, text) {
  if (text(128) === "DICM") return "This is a DICOM file. Convert it to .nii.gz with dcm2niix.";
  if (text(344) === "ni1\0") return "This is half of a NIfTI pair. Convert the pair to .nii.gz.";
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return "This is a zip archive. Unpack it first.";
  return "This is not a NIfTI file. Convert the scan to .nii.gz, for example with dcm2niix.";
}

function shapeOf([dimensions, ...lengths]) {
  const shape = lengths.slice(0, clip(dimensions, 0, 7));
  if (dimensions < 1 || dimensions > 7 || !shape.every((edge) => edge >= 1)) {
    throw new InputError("Its header gives no valid shape. Copy or export it again.");
  }
  while (shape.length > 3 && shape.at(-1) === 1) shape.pop();
  if (shape.length !== 3) {
    throw new InputError(`It has ${shape.length} dimensions (${shape.join(" x ")}). Give one 3-D scan.`);
  }
  if (sizeOf(shape) > MAXIMUM_VOXELS) {
    throw new InputError(
      `It has ${shape.join(" x ")} voxels. This page takes at most ${MAXIMUM_VOXELS / 2 ** 20} ` +
        "million. Use the command kdlib predict, or resample the scan.",
    );
  }
  return shape;
}

function offsetOf(stored, { size }) {
  const first = size + 4;
  const offset = stored || first;
  if (!(offset >= first && offset <= MAXIMUM_OFFSET)) {
    throw new InputError("Its header gives no valid place for its data. Export it again.");
  }
  return Math.floor(offset);
}

function scalingOf(slope, intercept) {
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, intercept: 0 };
  if (!Number.isFinite(intercept)) {
    throw new InputError("Its scl_inter is no number. Export the scan again.");
  }
  return { slope, intercept };
}

// affine_of: by the sform and the qform, which must agree.
function affineOf(forms, shape) {
  if (!forms.pixdim.slice(1).every((edge) => Number.isFinite(edge) && edge > 0)) {
    throw new InputError("Its voxel size is not above 0. Export it again.");
  }
  const { srow } = forms;
  const affines = [];
  if (forms.sformCode > 0) affines.push([0, 4, 8].map((row) => srow.slice(row, row + 4)));
  if (forms.qformCode > 0) affines.push(affineOfQform(forms));
  if (!affines.length) {
    throw new InputError("It does not say how it is oriented (no sform, no qform). Convert it again.");
  }
  affines.forEach(checkAffine);
  const apart = apartMm(shape, affines[0], affines.at(-1));
  if (apart > 0.5 * Math.min(...edgesOf(affines[0]))) {
    throw new InputError(
      `Its sform and qform disagree by up to ${apart.toPrecision(3)} mm. Use the command ` +
        "kdlib predict with --form, or convert the scan again.",
    );
  }
  return affines[0];
}

function affineOfQform({ pixdim, quaternion, epsilon }) {
  const [b, c, d, ...place] = quaternion;
  const rest = 1 - (b * b + c * c + d * d);
  if (rest < 0 && Math.abs(rest) >= 3 * epsilon) {
    throw new InputError("Its qform is not a rotation. Export it again.");
  }
  const a = Math.abs(rest) < 3 * epsilon ? 0 : Math.sqrt(rest);
  const s = 2 / (a * a + b * b + c * c + d * d);
  const rows = [
    [1 - s * (c * c + d * d), s * (b * c - a * d), s * (b * d + a * c)],
    [s * (b * c + a * d), 1 - s * (b * b + d * d), s * (c * d - a * b)],
    [s * (b * d - a * c), s * (c * d + a * b), 1 - s * (b * b + c * c)],
  ];
  const [x, y, z] = [pixdim[1], pixdim[2], pixdim[0] === -1 ? -pixdim[3] : pixdim[3]];
  return rows.map(([p, q, r], row) => [p * x, q * y, r * z, place[row]]);
}

function checkAffine(affine) {
  const edges = edgesOf(affine);
  const unit = [0, 1, 2].map((axis) => columnOf(affine, axis).map((v) => v / edges[axis]));
  const upright = Math.abs(dot(unit[0], cross(unit[1], unit[2]))) > 1e-3;
  if (!affine.flat().every(Number.isFinite) || !upright) {
    throw new InputError("Its affine is not usable. Export it again.");
  }
  if (Math.min(...edges) < 0.01 || Math.max(...edges) > 100) {
    throw new InputError("Its voxels are smaller than 0.01 mm or larger than 100 mm. Correct its header.");
  }
}

// apart_mm: the largest distance between the two places that two affines give a voxel.
function apartMm(shape, one, other) {
  let most = 0;
  for (let corner = 0; corner < 8; corner += 1) {
    const voxel = [...shape.map((edge, axis) => ((corner >> axis) & 1) * (edge - 1)), 1];
    const apart = one.map((row, r) => dot(row.map((value, c) => value - other[r][c]), voxel));
    most = Math.max(most, Math.hypot(...apart));
  }
  return most;
}
