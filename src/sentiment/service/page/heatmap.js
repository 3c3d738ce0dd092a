// Draws a grid of importance over a photo: orange for the label, blue against it. The two
// differ for colour-blind eyes too, and what says nothing stays clear.

const FOR = [232, 118, 12];
const AGAINST = [33, 102, 172];
const FINE = 16; // pixels a cell, before the browser stretches them
const LEAST = 0.02; // of probability: a map weaker than this is drawn faint, not blown up
const OPAQUE = 0.78;

// How much of the probability the strongest colour stands for.
export function strongest(grid) {
  return Math.max(LEAST, ...grid.flat().map(Math.abs));
}

export function draw(canvas, grid) {
  const rows = grid.length;
  const columns = grid[0].length;
  canvas.width = columns * FINE;
  canvas.height = rows * FINE;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  const most = strongest(grid);
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      const value = between(grid, (y + 0.5) / FINE - 0.5, (x + 0.5) / FINE - 0.5) / most;
      const [red, green, blue] = value > 0 ? FOR : AGAINST;
      pixels.data.set([red, green, blue, 255 * OPAQUE * Math.abs(value)], 4 * (y * canvas.width + x));
    }
  }
  context.putImageData(pixels, 0, 0);
}

// The grid's value at a place between the middles of its cells, without edges to be seen.
function between(grid, y, x) {
  const [top, down, v] = neighbours(y, grid.length);
  const [left, right, u] = neighbours(x, grid[0].length);
  const upper = grid[top][left] * (1 - u) + grid[top][right] * u;
  const lower = grid[down][left] * (1 - u) + grid[down][right] * u;
  return upper * (1 - v) + lower * v;
}

function neighbours(place, count) {
  const inside = Math.min(Math.max(place, 0), count - 1);
  const first = Math.floor(inside);
  const part = inside - first;
  return [first, Math.min(first + 1, count - 1), part * part * (3 - 2 * part)];
}
