// The colours that a photo's ICC profile means, as those of sRGB, which every photo is taken for. A
// browser converts colours only while it decodes a file: so a PNG file is made, with the profile.

const SIGNATURE = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BITS = 8;
const RGBA = 6; // PNG's colour type

// Whether a profile, a Blob, says what colours in red, green and blue mean.
export async function isOfRgb(profile) {
  return (await profile.slice(16, 20).text()) === "RGB ";
}

// Returns an ImageBitmap of `data`, RGBA.
export async function converted(columns, rows, data, profile) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, columns);
  header.setUint32(4, rows);
  header.setUint8(8, BITS);
  header.setUint8(9, RGBA);
  const length = 4 * columns;
  const lines = new Uint8Array(rows * (1 + length)); // each begins with its filter: 0, none
  for (let y = 0; y < rows; y++) lines.set(data.subarray(y * length, (y + 1) * length), y * (1 + length) + 1);
  const file = new Blob([
    SIGNATURE,
    await chunk("IHDR", header),
    await chunk("iCCP", "-\0\0", await deflated(profile)),
    await chunk("IDAT", await deflated(new Blob([lines]))),
    await chunk("IEND"),
  ]);
  return createImageBitmap(file);
}

const deflated = (blob) => new Response(blob.stream().pipeThrough(new CompressionStream("deflate"))).blob();

async function chunk(name, ...parts) {
  const content = new Uint8Array(await new Blob([name, ...parts]).arrayBuffer());
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, content.length - name.length);
  ends.setUint32(4, checksum(content));
  return new Blob([ends.buffer.slice(0, 4), content, ends.buffer.slice(4)]);
}

// PNG's CRC-32.
function checksum(bytes) {
  let sum = ~0;
  for (const byte of bytes) sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 0xff];
  return ~sum;
}

const TABLE = Int32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
