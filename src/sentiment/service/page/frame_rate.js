// How fast this device looks at what its camera sees.

const STAGES = ["whole", "capture", "squish", "inference", "drawing"];

const WINDOW_MS = 5000; // over which the rate is shown while it runs

const sorted = (values) => values.toSorted((a, b) => a - b);

// Median and 95th percentile, the value that so many are not above.
export function spread(values) {
  const inOrder = sorted(values);
  const at = (part) => inOrder[Math.max(0, Math.ceil(part * inOrder.length) - 1)];
  return { median: rounded(at(0.5)), p95: rounded(at(0.95)) };
}

const rounded = (milliseconds) => Math.round(1000 * milliseconds) / 1000;

// Of the last seconds: the rate, the times, and the camera's frames.
export class Meter {
  looks = [];
  camera = []; // when frames came, and how many

  // A frame was looked at: milliseconds by stage.
  add(look, now) {
    this.looks.push({ ...look, now });
    this.forget(now);
  }

  // The camera has delivered frames.
  deliver(count, now) {
    this.camera.push({ count, now });
    this.forget(now);
  }

  forget(now) {
    for (const list of [this.looks, this.camera]) {
      while (list.length && list[0].now < now - WINDOW_MS) list.shift();
    }
  }

  inWords(started, now) {
    this.forget(now);
    if (!this.looks.length) return "";
    const seconds = Math.min(WINDOW_MS, now - Math.max(started, 0)) / 1000;
    const { median, p95 } = spread(this.looks.map(({ whole }) => whole));
    const delivered = this.camera.reduce((sum, { count }) => sum + count, 0);
    const looked = this.looks.length;
    const rate = `${(looked / seconds).toFixed(1)} results/s over ${seconds.toFixed(0)} s`;
    const times = `${median.toFixed(0)} ms median, ${p95.toFixed(0)} ms p95`;
    if (!delivered) return `${rate} · ${times}`;
    const dropped = Math.max(0, delivered - looked);
    return `${rate} · ${times} · camera ${(delivered / seconds).toFixed(1)} frames/s, ${(dropped / seconds).toFixed(1)} dropped`;
  }
}

// A measurement under way: some frames to warm up, then those that count.
export class Measurement {
  static WARM_UP = 10;
  static FRAMES = 200;
  looks = [];
  delivered = 0;
  seen = 0;

  // Returns whether it is complete.
  add(look, now) {
    this.seen += 1;
    if (this.seen < Measurement.WARM_UP) return false;
    if (this.seen === Measurement.WARM_UP) {
      this.started = now;
      this.delivered = 0;
      return false;
    }
    this.looks.push(look);
    this.ended = now;
    return this.looks.length === Measurement.FRAMES;
  }

  deliver(count) {
    this.delivered += count;
  }

  // As the server and the report read it; `about` says what the page knows of device and model.
  result(about, knowsFrames) {
    const frames = this.looks.length;
    return {
      measured_at: new Date().toISOString(),
      ...about,
      warm_up: Measurement.WARM_UP,
      frames,
      seconds: rounded((this.ended - this.started) / 1000),
      delivered: knowsFrames ? this.delivered : null,
      dropped: knowsFrames ? Math.max(0, this.delivered - frames) : null,
      ...Object.fromEntries(STAGES.map((stage) => [stage, spread(this.looks.map((look) => look[stage]))])),
    };
  }
}
