// Where photos are looked at: on this device, or by the server. The switch between them, and the
// words that say it at any moment.

import { Failure, modelFile, server } from "./api.js";
import { percent } from "./bars.js";
import { Device } from "./device.js";
import { areKept, keepModel } from "./kept.js";

const AT_ONCE = 64 * 2 ** 20; // bytes of a model that is loaded without being asked for
const CHOICE = "where"; // "device" or "server", as the person chose it last

const $ = (id) => document.getElementById(id);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

export class Where {
  // `page` says what went wrong (`notice`). `pageIsKept` is awaited before the runtime is loaded,
  // so that it goes the way that keeps it.
  constructor(page, pageIsKept) {
    this.page = page;
    this.pageIsKept = pageIsKept;
    this.known = new Promise((resolve) => (this.learn = resolve)); // whether the device can
    $("on-device").addEventListener("change", () => {
      remember($("on-device").checked ? "device" : "server");
      if ($("on-device").checked) this.device().catch(() => {});
      this.show();
    });
  }

  // The one that looks at photos. While it is not known which, it waits.
  looker() {
    const ask = (task) => async (file, handlers) => {
      await this.known;
      const looker = $("on-device").checked ? await this.device() : server;
      return { answer: await looker[task](file, handlers), place: looker === server ? "" : ", on this device" };
    };
    return { predict: ask("predict"), explain: ask("explain") };
  }

  // Learns what the server says of the device's model; `kept` is the one kept here, or null.
  introduce(card, kept) {
    this.card = card;
    this.kept = kept;
    const can = Boolean(card.device);
    $("on-device").checked = can && (remembered() ?? (card.device.bytes <= AT_ONCE ? "device" : "server")) === "device";
    $("on-device-switch").hidden = $("live-open").hidden = !can;
    if ($("on-device").checked) this.device().catch(() => {});
    this.show();
    this.learn();
  }

  // Nothing could be learned: photos go to the server, which says what is wrong.
  giveUp() {
    this.show();
    this.learn();
  }

  // The device with the model loaded; a photo that is chosen earlier waits for it.
  device() {
    this.loading ??= this.load();
    return this.loading;
  }

  async load() {
    const { card, kept } = this;
    this.state = "The model is being loaded";
    try {
      const content = kept?.card.model.version === card.model.version ? kept.content : await this.download();
      this.state = "The model is being started";
      this.show();
      await this.pageIsKept;
      const device = new Device();
      await device.load(card, content);
      const same = JSON.stringify(kept?.card) === JSON.stringify(card);
      this.isKept = (same || (await keepModel(card, content))) && (await areKept(device.files));
      this.state = "";
      this.kept = null; // its bytes are in the worker
      return device;
    } catch (error) {
      this.loading = null;
      $("on-device").checked = false;
      const words = `The model does not run on this device. ${error.message}`;
      this.page.notice(words);
      throw new Failure(words);
    } finally {
      this.show();
    }
  }

  async download() {
    const size = megabytes(this.card.device.bytes);
    return modelFile(this.card, (part) => {
      this.state = `The model is being loaded, ${percent(part)} of ${size}`;
      this.show();
    });
  }

  show() {
    const { card, state } = this;
    const away = `Photos go to this server, ${location.host}, which keeps nothing.`;
    let words = away;
    if ($("on-device").checked) {
      words = "Photos stay on this device: the model runs here.";
      if (state) words = `Photos stay on this device. ${state} …`;
      else if (this.isKept && navigator.serviceWorker?.controller) words += " It works without the server too.";
      else if (isSecureContext) words += " This browser cannot keep it all: without the server it does not work.";
      else words += " Without https nothing is kept for later: to open the page takes the server.";
    } else if (card?.no_device) {
      words = `${away} A browser could not look at them itself: ${card.no_device}.`;
    } else if (card && !this.loading) {
      words = `${away} On this device it takes ${megabytes(card.device.bytes)}, once.`;
    }
    if ($("where").textContent !== words) $("where").textContent = words;
  }
}

function remembered() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null; // the browser keeps nothing
  }
}

function remember(choice) {
  try {
    localStorage.setItem(CHOICE, choice);
  } catch {
    // It holds for this visit.
  }
}
