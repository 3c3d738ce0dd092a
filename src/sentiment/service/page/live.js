// The camera's view: what the model says of it while it moves, its heat map when it stands still,
// and how fast this device is.

import { Failure, sendMeasurement } from "./api.js";
import { bar, isolated, percent, split } from "./bars.js";
import { download } from "./download.js";
import { Measurement, Meter } from "./frame_rate.js";
import { draw, strongest } from "./heatmap.js";

const STEADY_MS = 250; // the mean's time constant: the last half second has 86 % of the weight
const SHOW_MS = 500; // between two changes of the rate that is shown
const SAY_MS = 2000; // between two labels that are read aloud

const $ = (id) => document.getElementById(id);

const FAULTS = {
  NotAllowedError: "The camera may not be used. Allow it for this page in the browser's settings, then try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "The camera is in use by another program. Close that, then try again.",
  OverconstrainedError: "This camera is not there any more. Connect it and try again, or close this view for another.",
  AbortError: "The camera did not start. Try again.",
};

export class Live {
  meter = new Meter();
  run = 0; // counts starts and stops, so that what belongs to an earlier one is dropped

  // `page` has the server's card (`model`), the device (`device`), takes photos (`add`) and says
  // what was learned (`say`).
  constructor(page) {
    this.page = page;
    const clicks = {
      "live-close": () => $("live").close(),
      "live-pause": () => (this.isPaused ? this.goOn() : this.pause()),
      "live-photo": () => this.photograph(),
      "live-heat": () => this.toggleHeat(),
      "live-switch": () => this.switchCamera(),
      "live-again": () => this.start(),
      "live-measure": () => this.measure(),
      "measured-save": () => this.save(),
      "measured-send": () => this.send(),
    };
    for (const [id, does] of Object.entries(clicks)) $(id).addEventListener("click", does);
    $("live").addEventListener("close", () => this.stop());
    document.addEventListener("visibilitychange", () => this.hideOrShow());
  }

  async open() {
    $("live").showModal();
    this.camera = { facingMode: { ideal: "environment" } };
    await this.start();
  }

  // Opens the camera and looks at its frames.
  async start() {
    this.stop();
    const run = ++this.run;
    this.notice("");
    $("live-label").textContent = "Starting …";
    $("live-bars").replaceChildren();
    const asked = performance.now();
    try {
      // In insecure pages there is no such object.
      if (!navigator.mediaDevices) throw new Failure("The camera needs https, or localhost.");
      const wanted = { ...this.camera, width: { ideal: 1280 }, height: { ideal: 720 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
      if (run !== this.run) return stream.getTracks().forEach((track) => track.stop());
      this.use(stream);
      await $("video").play();
      $("live-label").textContent = "The model is being loaded …";
      const device = await this.page.device();
      if (run !== this.run) return;
      Object.assign(this, { device, asked, firstResult: null, steady: null, isBusy: false, isLate: false });
      this.meter = new Meter();
      this.started = performance.now();
      this.resume();
    } catch (error) {
      if (run !== this.run) return;
      this.stop();
      this.notice(error instanceof Failure ? error.message : (FAULTS[error.name] ?? `The camera does not start: ${error.message}`));
    }
  }

  use(stream) {
    const video = $("video");
    video.srcObject = this.stream = stream;
    const [track] = stream.getVideoTracks();
    const { facingMode, deviceId } = track.getSettings();
    this.deviceId = deviceId;
    // A camera that does not say where it looks stands on a desk and looks at the person.
    $("view").classList.toggle("mirrored", facingMode !== "environment");
    track.addEventListener("ended", () => {
      if (this.stream !== stream) return;
      this.stop();
      this.notice("The camera was taken away. Connect it, then try again.");
    });
    video.onresize = () => $("view").style.setProperty("--aspect", video.videoWidth / video.videoHeight);
    this.countCameras();
    navigator.wakeLock?.request("screen").then((lock) => {
      if (this.stream === stream) this.lock = lock;
      else lock.release();
    }, () => {}); // a battery that is nearly empty may forbid it
  }

  async countCameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    this.cameras = devices.filter(({ kind }) => kind === "videoinput");
    $("live-switch").hidden = this.cameras.length < 2;
  }

  switchCamera() {
    const place = this.cameras.findIndex(({ deviceId }) => deviceId === this.deviceId);
    const { deviceId } = this.cameras[(place + 1) % this.cameras.length];
    this.camera = { deviceId: { exact: deviceId } };
    this.start();
  }

  stop() {
    this.run++;
    this.letGo();
    this.measurement = null;
    this.freeze(false);
    this.enable(false);
    $("live-rate").textContent = $("measure-state").textContent = "";
  }

  // Lets go of the camera, whose light goes out.
  letGo() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = $("video").srcObject = null;
    this.lock?.release();
    this.lock = null;
  }

  // A page that is not seen uses no camera; a frame that stands still goes on standing.
  hideOrShow() {
    if (!$("live").open) return;
    if (document.hidden) {
      this.isAway = Boolean(this.stream) && !this.isPaused;
      if (this.isPaused) this.letGo();
      else this.stop();
    } else if (this.isAway) {
      this.isAway = false;
      this.start();
    }
  }

  // Goes on after a pause, in which the camera may have been let go of.
  async goOn() {
    if (this.stream) this.resume();
    else await this.start();
  }

  enable(can) {
    for (const id of ["live-pause", "live-photo", "live-heat", "live-measure"]) $(id).disabled = !can;
  }

  notice(text) {
    $("live-notice").textContent = text;
    $("live-fault").hidden = !text;
    $("seen").hidden = Boolean(text);
  }

  resume() {
    this.freeze(false);
    this.enable(true);
    this.run++;
    $("video").play();
    this.watch(this.run);
    this.look(this.run);
  }

  pause() {
    this.run++;
    this.freeze(true);
    this.measurement = null;
    $("measure-state").textContent = "";
    this.page.say(`Paused: ${this.label}`);
  }

  // Shows the frame that was looked at last in the moving picture's place.
  freeze(isPaused) {
    this.isPaused = isPaused;
    if (isPaused) {
      this.drawFrame($("still"));
      $("video").pause();
    }
    $("still").hidden = !isPaused;
    $("heat").hidden = true;
    $("live-heat").setAttribute("aria-pressed", "false");
    $("live-pause").textContent = isPaused ? "Resume" : "Pause";
    $("live-legend").textContent = "";
  }

  drawFrame(canvas) {
    const video = $("video");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
  }

  // Learns of each of the camera's frames; one that comes while the model is busy is dropped.
  watch(run) {
    const video = $("video");
    this.knowsFrames = "requestVideoFrameCallback" in video;
    let before;
    const onFrame = (now, frame) => {
      if (run !== this.run) return;
      if (frame?.presentedFrames) {
        const count = before === undefined ? 1 : frame.presentedFrames - before;
        before = frame.presentedFrames;
        this.meter.deliver(count, performance.now());
        this.measurement?.deliver(count);
      }
      if (this.isBusy) this.isLate = true;
      else this.look(run);
      next();
    };
    const next = () => (this.knowsFrames ? video.requestVideoFrameCallback(onFrame) : requestAnimationFrame(onFrame));
    next();
  }

  async look(run) {
    const video = $("video");
    if (this.isBusy || !video.videoWidth) return;
    this.isBusy = true;
    this.isLate = false;
    try {
      const started = performance.now();
      const picture = await createImageBitmap(video);
      const capture = performance.now() - started;
      const { probabilities, squish_ms: squish, inference_ms: inference } = await this.device.look(picture);
      if (run !== this.run) return;
      const answered = performance.now();
      this.show(this.steadied(probabilities, answered));
      const now = performance.now();
      this.firstResult ??= now - this.asked;
      this.count({ whole: now - started, capture, squish, inference, drawing: now - answered }, now);
    } catch (error) {
      if (run === this.run) {
        this.stop();
        this.notice(`This device could not look at the picture: ${error.message}`);
      }
    } finally {
      this.isBusy = false;
      // A frame has come meanwhile, and may stand for a while: it is not waited for.
      if (this.isLate && !this.isPaused && this.stream) this.look(this.run);
    }
  }

  count(look, now) {
    this.meter.add(look, now);
    if (now - (this.shown ?? 0) > SHOW_MS) {
      this.shown = now;
      $("live-rate").textContent = this.meter.inWords(this.started, now);
    }
    if (!this.measurement) return;
    if (this.measurement.add(look, now)) this.finish();
    else $("measure-state").textContent = `Measuring, ${this.measurement.looks.length} of ${Measurement.FRAMES} frames`;
  }

  // A mean of the answers whose weights fall by their age.
  steadied(probabilities, now) {
    const { values, at } = this.steady ?? { values: probabilities, at: now };
    const old = Math.exp((at - now) / STEADY_MS);
    const mean = values.map((value, place) => old * value + (1 - old) * probabilities[place]);
    this.steady = { values: mean, at: now };
    return mean;
  }

  show(values) {
    const names = this.page.model.class_names;
    const probabilities = Object.fromEntries(names.map((name, place) => [name, values[place]]));
    const label = names[values.indexOf(Math.max(...values))];
    $("live-label").textContent = label;
    const bars = split(probabilities).shown.map((name) => bar(name, probabilities[name], name === label));
    $("live-bars").replaceChildren(...bars);
    const now = performance.now();
    if (label !== this.label && now - (this.said ?? 0) > SAY_MS) {
      this.said = now;
      this.page.say(label);
    }
    this.label = label;
  }

  async photograph() {
    const canvas = this.isPaused ? $("still") : document.createElement("canvas");
    if (!this.isPaused) this.drawFrame(canvas);
    const content = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
    this.page.add([new File([content], `camera ${time}.jpg`, { type: "image/jpeg" })]);
    this.page.say("Photo taken");
    $("live-legend").textContent = "The photo lies among the results.";
  }

  async toggleHeat() {
    const button = $("live-heat");
    if (button.getAttribute("aria-pressed") === "true") {
      button.setAttribute("aria-pressed", "false");
      $("heat").hidden = true;
      $("live-legend").textContent = "";
      return;
    }
    if (!this.isPaused) this.pause();
    const { run } = this;
    button.disabled = true;
    try {
      const picture = await createImageBitmap($("still"));
      const progress = (part) => run === this.run && ($("live-legend").textContent = `Heat map, ${percent(part)}`);
      const { label, importance } = await this.device.explainFrame(picture, progress);
      if (run !== this.run) return;
      draw($("heat"), importance);
      $("heat").hidden = false;
      button.setAttribute("aria-pressed", "true");
      const points = (100 * strongest(importance)).toFixed(1);
      $("live-legend").replaceChildren(
        "Orange speaks for ", isolated(label), `, blue against it; the strongest colour is ${points} pts.`,
      );
    } catch (error) {
      if (run === this.run) $("live-legend").textContent = `No heat map: ${error.message}`;
    } finally {
      button.disabled = !this.isPaused && !this.stream;
    }
  }

  // Measures this device by the frames that come now.
  async measure() {
    if (this.isPaused) await this.goOn();
    this.measurement = new Measurement();
    $("measured").hidden = true;
  }

  finish() {
    const { name, dataset, version } = this.page.model.model;
    const { load_ms, ...runtime } = this.device.about;
    const { videoWidth, videoHeight } = $("video");
    this.measured = this.measurement.result(
      {
        model: { name, dataset, version },
        browser: {
          user_agent: navigator.userAgent,
          cores: navigator.hardwareConcurrency ?? 0,
          isolated: crossOriginIsolated,
          ...runtime,
        },
        picture: `${videoWidth} x ${videoHeight}`,
        load_ms,
        first_result_ms: this.firstResult,
      },
      this.knowsFrames,
    );
    this.measurement = null;
    this.showMeasured();
    document.dispatchEvent(new Event("measured"));
  }

  showMeasured() {
    const { frames, seconds, delivered, dropped, browser, whole, ...rest } = this.measured;
    const times = ({ median, p95 }) => `${median.toFixed(1)} ms, 95 % within ${p95.toFixed(1)} ms`;
    const lines = {
      Results: `${(frames / seconds).toFixed(1)} a second, ${frames} in ${seconds.toFixed(1)} s`,
      "A frame": times(whole),
      Capture: times(rest.capture),
      Squish: times(rest.squish),
      Inference: times(rest.inference),
      Drawing: times(rest.drawing),
      Camera: delivered === null ? "its frames are not told" : `${delivered} frames, ${dropped} dropped; ${rest.picture}`,
      "First result": `${(rest.first_result_ms / 1000).toFixed(1)} s after the camera was asked for`,
      Runs: `${browser.runtime}, ${browser.backend}, threads: ${browser.threads}, ${browser.isolated ? "" : "not "}isolated`,
      Device: browser.user_agent,
    };
    $("measured-lines").replaceChildren(
      ...Object.entries(lines).flatMap(([term, text]) =>
        [["dt", term], ["dd", text]].map(([kind, content]) => {
          const element = document.createElement(kind);
          element.textContent = content;
          return element;
        }),
      ),
    );
    $("measure-state").textContent = "";
    $("measured").hidden = false;
    $("measured-send").hidden = !this.page.model.keeps_measurements;
    $("measured-send").disabled = false;
    this.page.say(`Measured: ${lines.Results}`);
  }

  save() {
    download(JSON.stringify(this.measured, null, 2), "frame_rate.json", "application/json");
  }

  async send() {
    $("measured-send").disabled = true;
    try {
      await sendMeasurement(this.measured);
      $("measure-state").textContent = "The server keeps it.";
    } catch (error) {
      $("measured-send").disabled = false;
      $("measure-state").textContent = error.message;
    }
  }
}
