// Which regions of a photo drove the decision, as the server finds it: cover each in the photo's
// mean colour, and see the label's probability fall.

const CELLS = 7;
const WINDOWS = CELLS + 1; // each covers 2 x 2 cells, at the border fewer

// `pixels` is RGB of `side` * `side`; `probability(pixels)` gives the label's. Returns rows of
// CELLS cells.
export async function importance(pixels, side, probability, progress) {
  const mean = meanColour(pixels);
  const whole = await probability(pixels);
  const falls = [];
  for (let row = 0; row < WINDOWS; row++) {
    falls.push([]);
    for (let column = 0; column < WINDOWS; column++) {
      const covered = cover(pixels, side, edges(row, side), edges(column, side), mean);
      falls[row].push(whole - (await probability(covered)));
      progress((row * WINDOWS + column + 1) / WINDOWS ** 2);
    }
  }
  return Array.from({ length: CELLS }, (_, y) =>
    Array.from({ length: CELLS }, (_, x) =>
      (falls[y][x] + falls[y][x + 1] + falls[y + 1][x] + falls[y + 1][x + 1]) / 4,
    ),
  );
}

function edges(window, side) {
  const ends = [Math.max(0, window - 1), Math.min(CELLS, window + 1)];
  return ends.map((cells) => Math.trunc((cells * side) / CELLS));
}

function meanColour(pixels) {
  const sums = [0, 0, 0];
  for (let i = 0; i < pixels.length; i++) sums[i % 3] += pixels[i];
  return sums.map((sum) => Math.round(sum / (pixels.length / 3)));
}

function cover(pixels, side, [top, bottom], [left, right], colour) {
  const covered = pixels.slice();
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) covered.set(colour, 3 * (y * side + x));
  }
  return covered;
}
