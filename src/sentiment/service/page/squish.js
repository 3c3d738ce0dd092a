// Squishes a picture to the network's size as Pillow 13 does it for training, to the last bit: a
// triangle filter as wide as the reduction, in fixed point, along rows and along columns, rounded
// after each (Pillow's src/libImaging/Resample.c).

const BITS = 22; // of the fixed point: Pillow's PRECISION_BITS
const HALF = 1 << (BITS - 1);
const STRIP = 256; // rows read at a time, so that a large photo is never held unpacked

// `strip(y, count)` gives rows of the picture from row `y` on, as RGBA.
// Returns RGB, Uint8Array of side * side * 3.
export function squish(side, columns, rows, strip) {
  const across = weights(columns, side);
  const down = weights(rows, side);
  // Pillow takes the columns first where they are reduced by far more.
  const rowsFirst = rows - side <= 2 * Math.max(0, columns - side);
  const line = 3 * (rowsFirst ? side : columns);
  const sums = new Int32Array(side * line).fill(HALF);
  for (let y = 0; y < rows; y += STRIP) {
    const count = Math.min(STRIP, rows - y);
    const data = strip(y, count);
    const bytes = rowsFirst ? alongRows(data, 4, columns, count, across) : rgb(data);
    addToColumns(sums, bytes, line, y, count, down);
  }
  const squished = Uint8Array.from(sums, (sum) => sum >> BITS);
  return rowsFirst ? squished : alongRows(squished, 3, columns, side, across);
}

// The strips of what a canvas draws, transparency laid on white.
export function drawn(image, columns) {
  const canvas = new OffscreenCanvas(columns, STRIP);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  return (y, count) => {
    context.fillRect(0, 0, columns, count);
    context.drawImage(image, 0, -y);
    return context.getImageData(0, 0, columns, count).data;
  };
}

// Where each output pixel's inputs begin, how many they are, and their weights.
function weights(size, wanted) {
  const scale = size / wanted;
  const support = Math.max(scale, 1);
  const most = 2 * Math.ceil(support) + 1;
  const first = new Int32Array(wanted);
  const count = new Int32Array(wanted);
  const weight = new Int32Array(wanted * most);
  for (let i = 0; i < wanted; i++) {
    const centre = (i + 0.5) * scale;
    first[i] = Math.max(0, Math.trunc(centre - support + 0.5));
    count[i] = Math.min(size, Math.trunc(centre + support + 0.5)) - first[i];
    const parts = Array.from({ length: count[i] }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + first[i] - centre + 0.5) / support)),
    );
    const sum = parts.reduce((a, b) => a + b, 0);
    parts.forEach((value, k) => (weight[i * most + k] = Math.trunc(0.5 + (value / sum) * (1 << BITS))));
  }
  return { first, count, weight, most };
}

// Each row squished; `step` bytes a pixel in, RGB out.
function alongRows(data, step, columns, rows, { first, count, weight, most }) {
  const out = new Uint8Array(rows * first.length * 3);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < first.length; x++, to += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let from = step * (y * columns + first[x]);
      for (let k = x * most, end = k + count[x]; k < end; k++, from += step) {
        const w = weight[k];
        red += data[from] * w;
        green += data[from + 1] * w;
        blue += data[from + 2] * w;
      }
      out[to] = red >> BITS;
      out[to + 1] = green >> BITS;
      out[to + 2] = blue >> BITS;
    }
  }
  return out;
}

// Adds rows, of which `data` holds `rows` from row `start` on, to the sums of the rows that the
// columns are squished to.
function addToColumns(sums, data, line, start, rows, { first, count, weight, most }) {
  for (let y = 0; y < first.length; y++) {
    const end = Math.min(first[y] + count[y], start + rows);
    for (let row = Math.max(first[y], start); row < end; row++) {
      const w = weight[y * most + row - first[y]];
      const from = (row - start) * line;
      for (let i = 0, to = y * line; i < line; i++, to++) sums[to] += data[from + i] * w;
    }
  }
}

function rgb(data) {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    out[to] = data[from];
    out[to + 1] = data[from + 1];
    out[to + 2] = data[from + 2];
  }
  return out;
}
