// read_volume of kdlib/data/image_file.py: read a scan, piece by piece, and check it on the way.

const [MAXIMUM_COMPRESSION, MAXIMUM_PADDING] = [1032, 2 ** 20];

// {header, image}: the header of a file (Blob) and its values as float32, as they are stored.
async function readScan(file) {
  if (!file.size) throw new InputError("This file is empty.");
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const packed = start[0] === 0x1f && start[1] === 0x8b;
  const stream = packed ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  const bytes = bytesOf(stream.getReader(), packed);
  const header = parseHeader(await bytes.upTo(HEADER_BYTES));
  const most = packed ? file.size * MAXIMUM_COMPRESSION : file.size;
  if (header.offset + dataBytes(header) > most) throw new InputError(TOO_SHORT);
  const data = await bytes.within(header.offset, dataBytes(header));
  return { header, image: checked({ shape: header.shape, data: scaled(header, data) }) };
}

const TOO_SHORT = "It has less data than its header says. Copy it again.";

// The bytes of a stream: `upTo` so many of them to look at first, then those within a part of it.
function bytesOf(reader, packed) {
  const pieces = [];
  let held = 0;
  const next = async () => {
    try {
      const { value, done } = await reader.read();
      if (!done) pieces.push(value);
      held += done ? 0 : value.length;
      return !done;
    } catch {
      throw new InputError(
        packed ? "Its compressed data are incomplete or damaged, or were packed in several parts. " +
          "Copy or download it again, or unpack it to .nii, or use the command kdlib predict."
          : "It cannot be read. Choose it again.",
      );
    }
  };
  return {
    async upTo(count) {
      while (held < count && (await next()));
      return joined(pieces).subarray(0, count);
    },
    async within(start, length) {
      const result = new Uint8Array(length);
      let [place, more] = [0, true];
      while (more) {
        for (const piece of pieces.splice(0)) {
          const [first, last] = [Math.max(start - place, 0), Math.min(start + length - place, piece.length)];
          if (last > first) result.set(piece.subarray(first, last), place + first - start);
          place += piece.length;
        }
        if (place > start + length + MAXIMUM_PADDING) {
          throw new InputError("It has more data than its header says. Export it again.");
        }
        more = await next(); // to the end, so that the checksum is compared
      }
      if (place < start + length) throw new InputError(TOO_SHORT);
      return result;
    },
  };
}

function joined(pieces) {
  const result = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let place = 0;
  for (const piece of pieces) {
    result.set(piece, place);
    place += piece.length;
  }
  return result;
}

// The values as float32, in this machine's byte order, scaled as the header says.
function scaled({ type, little, slope, intercept }, bytes) {
  const width = type.BYTES_PER_ELEMENT;
  const machineIsLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  if (little !== machineIsLittle && width > 1) {
    for (let place = 0; place < bytes.length; place += width) bytes.subarray(place, place + width).reverse();
  }
  const stored = new type(bytes.buffer);
  if (type === Float32Array && slope === 1 && intercept === 0) return stored;
  const result = new Float32Array(stored.length);
  for (let i = 0; i < stored.length; i += 1) result[i] = Number(stored[i]) * slope + intercept;
  return result;
}

function checked(stored) {
  const image = withoutNanOutside(stored);
  let [bad, low, high] = [0, Infinity, -Infinity];
  for (const value of image.data) {
    if (!Number.isFinite(value)) bad += 1;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (bad) throw new InputError(`${bad} voxels are NaN or infinite. Replace them, for example by 0.`);
  if (low === high) throw new InputError("All its voxels have one value, so this is no image.");
  return image;
}
