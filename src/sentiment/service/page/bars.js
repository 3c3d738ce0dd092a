// Classes and their probabilities, as lines of text and as bars.

const MANY = 9; // classes: then only the likeliest are shown, and the others on request
const SHOWN = 5;

export const percent = (part) => `${(100 * part).toFixed(part >= 0.995 || part < 0.0005 ? 0 : 1)} %`;

// A name within other words, which keeps its own direction: Arabic is written from the right.
export function isolated(name) {
  const element = document.createElement("bdi");
  element.textContent = name;
  return element;
}

// The classes' names to show, and those to show on request; of many, the likeliest first.
export function split(probabilities) {
  const names = Object.keys(probabilities);
  if (names.length < MANY) return { shown: names, others: [] };
  names.sort((a, b) => probabilities[b] - probabilities[a]);
  return { others: names.splice(SHOWN), shown: names };
}

export function line(name, part) {
  const element = document.createElement("li");
  for (const [kind, text] of [["class", name], ["percent", percent(part)]]) {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    span.dir = kind === "class" ? "auto" : "ltr";
    element.append(span);
  }
  return element;
}

export function bar(name, part, isChosen) {
  const element = line(name, part);
  element.dataset.class = name;
  element.classList.toggle("chosen", isChosen);
  const track = document.createElement("span");
  track.className = "track";
  const fill = document.createElement("div");
  fill.className = "fill";
  fill.style.setProperty("--part", `${100 * part}%`);
  track.append(fill);
  element.append(track);
  return element;
}
