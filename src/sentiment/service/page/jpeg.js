// Decodes JPEG files as Pillow does for training, to the last bit: by libjpeg-turbo as WebAssembly.
// Browsers' own decoders know no such reduction of large photos, and enlarge colours otherwise.

const REDUCED = 300; // least side to which a photo is reduced where SIDE is wanted, as in training
const SIDE = 224;
const RGBA = 7; // TurboJPEG's TJPF_RGBA
const SCAN = 0xda; // the marker after which the pixels come
const EXIF = "Exif\0\0";
const PROFILE = "ICC_PROFILE\0";
const ORIENTATION = 0x0112;

const nothing = () => 0;

// What libjpeg-turbo may call: it comes back by longjmp from what it cannot decode.
const IMPORTS = {
  env: {
    setjmp: nothing,
    longjmp() {
      throw new Error("not decoded");
    },
  },
  wasi_snapshot_preview1: {
    environ_get: nothing,
    environ_sizes_get: nothing,
    fd_close: nothing,
    fd_seek: nothing,
    fd_write: nothing,
    proc_exit: nothing,
  },
};

// Decodes a file's bytes for a network that takes `side` pixels. Returns the photo's width and height
// and, perhaps reduced, its columns and rows of RGBA (`data`), all turned as EXIF says, and its ICC
// profile; null: it is no JPEG file, or damaged, or of inks (CMYK), which the browser may decode.
export async function decoded(decoder, bytes, side) {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  // Each photo has memory of its own, which goes with it.
  const turbo = await WebAssembly.instantiate(decoder, IMPORTS);
  try {
    const photo = turned(decompressed(turbo.exports, bytes, side), orientation(bytes));
    return { ...photo, profile: profile(bytes) };
  } catch {
    return null;
  }
}

function decompressed(turbo, bytes, side) {
  const { memory, malloc } = turbo;
  const file = malloc(bytes.length);
  const header = malloc(16);
  new Uint8Array(memory.buffer).set(bytes, file);
  const handle = turbo.tjInitDecompress();
  const places = [0, 4, 8, 12].map((place) => header + place);
  if (turbo.tjDecompressHeader3(handle, file, bytes.length, ...places)) throw new Error("no header");
  const [width, height] = new Int32Array(memory.buffer, header, 2);
  const part = reduction(width, height, side);
  const [columns, rows] = [Math.ceil(width / part), Math.ceil(height / part)];
  const to = malloc(4 * columns * rows);
  if (turbo.tjDecompress2(handle, file, bytes.length, to, columns, 4 * columns, rows, RGBA, 0)) {
    throw new Error("damaged");
  }
  return { width, height, columns, rows, data: new Uint8Array(memory.buffer, to, 4 * columns * rows) };
}

// The part of its width and height to which training reduced a photo (Pillow's draft mode).
function reduction(width, height, side) {
  const least = Math.ceil((side * REDUCED) / SIDE);
  const most = Math.min(Math.trunc(width / least), Math.trunc(height / least));
  return [8, 4, 2].find((part) => most >= part) ?? 1;
}

// What the segments before the pixels hold that begin with a name, from behind it on.
function segments(bytes, name) {
  const found = [];
  for (let place = 2; place + 4 < bytes.length && bytes[place + 1] !== SCAN; ) {
    const end = place + 2 + 256 * bytes[place + 2] + bytes[place + 3];
    const start = place + 4 + name.length;
    if (String.fromCharCode(...bytes.subarray(place + 4, start)) === name) found.push(bytes.subarray(start, end));
    place = end;
  }
  return found;
}

// How EXIF says that a photo is to be turned: 1 to 8.
function orientation(bytes) {
  const [exif] = segments(bytes, EXIF);
  if (!exif) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    const isLittle = view.getUint16(0) === 0x4949;
    const entries = view.getUint32(4, isLittle);
    const end = entries + 2 + 12 * view.getUint16(entries, isLittle);
    for (let entry = entries + 2; entry < end; entry += 12) {
      if (view.getUint16(entry, isLittle) === ORIENTATION) return view.getUint16(entry + 8, isLittle);
    }
  } catch {
    // Damaged EXIF costs no photo.
  }
  return 1;
}

// A photo's ICC profile, a Blob; null: it has none. Each part begins with its number and how many.
function profile(bytes) {
  const parts = segments(bytes, PROFILE).sort((a, b) => a[0] - b[0]);
  return parts.length ? new Blob(parts.map((part) => part.slice(2))) : null;
}

function turned(photo, orientation) {
  if (!(orientation > 1 && orientation <= 8)) return photo;
  const { width, height, columns, rows, data } = photo;
  const lies = orientation > 4; // its columns become rows
  const from = new Uint32Array(data.buffer, data.byteOffset, columns * rows);
  const [across, down] = lies ? [rows, columns] : [columns, rows];
  const to = new Uint32Array(across * down);
  for (let y = 0, place = 0; y < down; y++) {
    for (let x = 0; x < across; x++, place++) {
      let [u, v] = lies ? [y, x] : [x, y];
      if ([2, 3, 7, 8].includes(orientation)) u = columns - 1 - u;
      if ([3, 4, 6, 7].includes(orientation)) v = rows - 1 - v;
      to[place] = from[v * columns + u];
    }
  }
  const size = lies ? { width: height, height: width } : { width, height };
  return { ...size, columns: across, rows: down, data: new Uint8Array(to.buffer) };
}
