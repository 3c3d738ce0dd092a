// Squishes a picture to the network's size as Pillow 13 does it for training, to the last bit: a
// triangle filter as wide as the reduction, in fixed point, along rows and along columns, rounded
// after each (Pillow's src/libImaging/Resample.c).

export const SIDE = 224;

const BITS = 22; // of the fixed point: Pillow's PRECISION_BITS
const HALF = 1 << (BITS - 1);
const STRIP = 256; // rows read at a time, so that a large photo is never held unpacked
const REDUCED = 300; // least side to which a JPEG file is reduced, as in training

// `draw(context, y)` draws the picture into a canvas so that its row `y` is the top one. The picture
// is first reduced to one `part` of its width and height, by means of squares.
// Returns RGB, Uint8Array of SIDE * SIDE * 3.
export function squish(width, height, draw, part = 1) {
  const columns = Math.ceil(width / part);
  const rows = Math.ceil(height / part);
  const across = weights(columns, SIDE);
  const down = weights(rows, SIDE);
  // Pillow takes the columns first where they are reduced by far more.
  const rowsFirst = rows - SIDE <= 2 * Math.max(0, columns - SIDE);
  const line = 3 * (rowsFirst ? SIDE : columns);
  const sums = new Int32Array(SIDE * line).fill(HALF);
  for (const { data, first, count } of strips(width, height, draw, part)) {
    const bytes = rowsFirst ? alongRows(data, 4, columns, count, across) : rgb(data);
    addToColumns(sums, bytes, line, first, count, down);
  }
  const squished = Uint8Array.from(sums, (sum) => sum >> BITS);
  return rowsFirst ? squished : alongRows(squished, 3, columns, SIDE, across);
}

// The picture's reduced rows, some at a time: RGBA, the first row's number, how many.
function* strips(width, height, draw, part) {
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let y = 0; y < height; y += STRIP) {
    const count = Math.min(STRIP, height - y);
    context.fillStyle = "#fff"; // what lies under transparent places
    context.fillRect(0, 0, width, count);
    draw(context, y);
    const { data } = context.getImageData(0, 0, width, count);
    const rows = part > 1 ? reduced(data, width, count, part) : data;
    yield { data: rows, first: y / part, count: Math.ceil(count / part) };
  }
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

// Each row squished to SIDE pixels; `step` bytes a pixel in, RGB out.
function alongRows(data, step, columns, rows, { first, count, weight, most }) {
  const out = new Uint8Array(rows * SIDE * 3);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < SIDE; x++, to += 3) {
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

// Adds rows, of which `data` holds `rows` from row `start` on, to the sums of the SIDE rows that
// the columns are squished to.
function addToColumns(sums, data, line, start, rows, { first, count, weight, most }) {
  for (let y = 0; y < SIDE; y++) {
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

// How far training reduced a JPEG file of this size while decoding it (Pillow's draft mode).
export function reduction(width, height) {
  const most = Math.min(Math.trunc(width / REDUCED), Math.trunc(height / REDUCED));
  return [8, 4, 2].find((part) => most >= part) ?? 1;
}

// Means of squares of pixels. RGBA in and out.
function reduced(data, width, height, part) {
  const columns = Math.ceil(width / part);
  const rows = Math.ceil(height / part);
  const out = new Uint8ClampedArray(columns * rows * 4);
  for (let y = 0; y < rows; y++) {
    const down = Math.min(part, height - y * part);
    for (let x = 0; x < columns; x++) {
      const right = Math.min(part, width - x * part);
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = 0; v < down; v++) {
        let from = 4 * ((y * part + v) * width + x * part);
        for (let u = 0; u < right; u++, from += 4) {
          red += data[from];
          green += data[from + 1];
          blue += data[from + 2];
        }
      }
      const to = 4 * (y * columns + x);
      out[to] = red / (down * right); // the array rounds
      out[to + 1] = green / (down * right);
      out[to + 2] = blue / (down * right);
    }
  }
  return out;
}
