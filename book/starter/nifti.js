// write_volume of kdlib/data/image_file.py: a NIfTI-1 file without any text in its header.

const CODES = new Map([[Uint8Array, 2], [Float32Array, 16]]);

// The file's bytes. `forms` are those of the scan, as it stores them, or made of an affine.
function niftiFile(shape, data, forms) {
  const bytes = new Uint8Array(352 + data.byteLength);
  const view = new DataView(bytes.buffer);
  const put = (kind, place, ...values) => {
    const width = kind === "Int16" ? 2 : 4;
    values.forEach((value, i) => view[`set${kind}`](place + i * width, value, true));
  };
  put("Int32", 0, 348);
  put("Int16", 40, 3, ...shape, 1, 1, 1, 1);
  put("Int16", 70, CODES.get(data.constructor), 8 * data.BYTES_PER_ELEMENT);
  put("Float32", 76, ...forms.pixdim);
  put("Float32", 108, 352, 1, 0); // where the data begin, slope, intercept
  bytes[123] = 2; // mm
  put("Int16", 252, forms.qformCode, forms.sformCode);
  put("Float32", 256, ...forms.quaternion, ...forms.srow);
  bytes.set([110, 43, 49, 0], 344); // n+1
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 352);
  return bytes;
}

const formsOf = (affine) => ({
  pixdim: [1, ...edgesOf(affine)], qformCode: 0, sformCode: 1, quaternion: [0, 0, 0, 0, 0, 0],
  srow: affine.flat(),
});

// A mask on the scan's own grid, packed, as a Blob.
function maskFile({ header, turn }, mask) {
  const bytes = niftiFile(header.shape, asStored(header.shape, mask, turn), header.forms);
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(packed).blob();
}

// A volume in LPS order for the viewer.
const viewedFile = ({ shape, affine }, data) => niftiFile(shape, data, formsOf(affine)).buffer;
