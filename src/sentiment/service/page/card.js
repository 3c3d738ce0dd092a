// One photo on the page: its picture, what the model says of it, its heat map.

import { Failure } from "./api.js";
import { bar, isolated, line, percent, split } from "./bars.js";
import { draw, strongest } from "./heatmap.js";

export class Card {
  // `page` knows who looks at photos (`looker`, the server or this device), says what was learned
  // (`say`), takes back what changed (`changed`), and asks for a key (`needKey`).
  constructor(file, page) {
    this.file = file;
    this.page = page;
    this.name = file.name || "pasted photo";
    this.element = document.getElementById("card").content.firstElementChild.cloneNode(true);
    this.leaving = new AbortController();
    this.url = URL.createObjectURL(file);
    const picture = this.find("img");
    picture.src = this.url;
    picture.alt = this.name;
    picture.addEventListener("error", () => {
      picture.parentElement.classList.add("broken");
      picture.alt = `This browser cannot show ${this.name}.`;
    });
    picture.addEventListener("load", () => this.place());
    this.find(".name").textContent = this.name;
    this.find(".name").title = this.name;
    this.find(".again").addEventListener("click", () => this.predict());
    this.find(".heat").addEventListener("click", () => this.toggleHeat());
    for (const [button, does] of [["remove", "Remove"], ["again", "Try again"], ["heat", "Heat map"]]) {
      this.find(`.${button}`).setAttribute("aria-label", `${does}: ${this.name}`);
    }
    this.watcher = new ResizeObserver(() => this.place());
    this.watcher.observe(this.find(".picture"));
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  async predict() {
    const hadFocus = document.activeElement === this.find(".again");
    this.failure = null;
    this.show("waiting", "Waiting for its turn …");
    if (hadFocus) this.find(".remove").focus();
    try {
      const handlers = this.handlers((text) => this.show("waiting", text));
      const { answer, place } = await this.page.looker().predict(this.file, handlers);
      this.photo = answer;
      this.showPhoto(place);
    } catch (error) {
      this.fail(error);
    }
    this.page.changed();
  }

  handlers(show) {
    return {
      signal: this.leaving.signal,
      started: () => show("Looking …"),
      busy: (seconds) => show(`The server is busy. Trying again in ${seconds} s …`),
      progress: (part) => show(`Heat map, ${percent(part)}`),
    };
  }

  fail(error) {
    if (this.leaving.signal.aborted) return;
    if (!(error instanceof Failure)) throw error;
    if (error.status === 401) this.page.needKey();
    this.failure = error.message;
    this.show("failed", error.message);
    this.find(".again").hidden = false;
    this.page.say(`${this.name}: ${error.message}`);
  }

  show(state, text) {
    this.find(".card").className = `card ${state}`;
    this.find(".state").textContent = text;
    this.find(".again").hidden = true;
  }

  showPhoto(place) {
    const { label, probabilities, width, height, decode_ms, inference_ms } = this.photo;
    this.show("done", label);
    const { shown, others } = split(probabilities);
    if (others.length) this.showOthers(others);
    const bars = shown.map((name) => bar(name, probabilities[name], name === label));
    this.find(".bars").replaceChildren(...bars);
    this.find(".bars").hidden = false;
    this.find(".facts").textContent =
      `${width} × ${height} px · decoded in ${decode_ms.toFixed(1)} ms, inferred in ${inference_ms.toFixed(1)} ms${place}`;
    this.find(".facts").hidden = false;
    this.find(".heat").hidden = false;
    this.page.say(`${this.name}: ${label}, ${percent(probabilities[label])}`);
  }

  showOthers(names) {
    const { probabilities } = this.photo;
    const sum = names.reduce((total, name) => total + probabilities[name], 0);
    this.find(".others summary").textContent = `${names.length} others: ${percent(sum)} together`;
    this.find(".others ul").replaceChildren(...names.map((name) => line(name, probabilities[name])));
    this.find(".others").hidden = false;
  }

  async toggleHeat() {
    const button = this.find(".heat");
    const show = button.getAttribute("aria-pressed") !== "true";
    if (show && !this.importance) {
      if (button.ariaDisabled === "true") return;
      const state = (text) => (button.textContent = text);
      button.ariaDisabled = "true";
      this.page.say(`${this.name}: the heat map is being made`);
      try {
        const { answer } = await this.page.looker().explain(this.file, this.handlers(state));
        this.importance = answer;
        draw(this.find("canvas"), this.importance);
      } catch (error) {
        if (this.leaving.signal.aborted) return;
        if (!(error instanceof Failure)) throw error;
        if (error.status === 401) this.page.needKey();
        this.page.notice(`No heat map of ${this.name}. ${error.message}`);
        return;
      } finally {
        button.ariaDisabled = null;
        button.textContent = "Heat map";
      }
      const points = `${(100 * strongest(this.importance)).toFixed(1)} pts`;
      this.find(".legend-against").textContent = `against, −${points}`;
      this.find(".legend-for").replaceChildren("for ", isolated(this.photo.label), `, +${points}`);
    }
    button.setAttribute("aria-pressed", String(show));
    this.find("canvas").hidden = !show;
    this.find(".legend").hidden = !show;
    this.place();
    this.page.say(show ? `${this.name}: ${this.inWords()}` : `Heat map of ${this.name} hidden`);
  }

  // The heat map for those who do not see it: where the strongest region lies.
  inWords() {
    const grid = this.importance;
    const most = Math.max(...grid.flat());
    if (most <= 0) return `no region speaks for ${this.photo.label}`;
    const row = grid.findIndex((line) => line.includes(most));
    const column = grid[row].indexOf(most);
    const third = (place, count, words) => words[Math.floor((3 * place) / count)];
    const where = [
      third(row, grid.length, ["top", "middle", "bottom"]),
      third(column, grid[0].length, ["left", "centre", "right"]),
    ].join(" ");
    return `the region at the ${where} speaks most for ${this.photo.label}`;
  }

  // Lay the heat map exactly on the picture.
  place() {
    const picture = this.find("img");
    const canvas = this.find("canvas");
    canvas.style.left = `${picture.offsetLeft}px`;
    canvas.style.top = `${picture.offsetTop}px`;
    canvas.style.width = `${picture.offsetWidth}px`;
    canvas.style.height = `${picture.offsetHeight}px`;
  }

  remove() {
    this.leaving.abort();
    this.watcher.disconnect();
    URL.revokeObjectURL(this.url);
    this.element.remove();
  }
}
