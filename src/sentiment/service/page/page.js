// The page: takes photos from wherever a person has them, and keeps the cards.

import { Failure, model, useKey } from "./api.js";
import { isolated } from "./bars.js";
import { Card } from "./card.js";
import { table } from "./csv.js";
import { download } from "./download.js";
import { keepPage, keptModel } from "./kept.js";
import { Live } from "./live.js";
import { Where } from "./where.js";

const $ = (id) => document.getElementById(id);
const cards = [];

const page = {
  model: null, // the server's card
  add,
  looker: () => where.looker(),
  device: () => where.device(),
  // Lines are added, not replaced: a screen reader then reads each, however fast they come.
  say(text) {
    const line = document.createElement("p");
    line.textContent = text;
    $("said").append(line);
    if ($("said").childElementCount > 20) $("said").firstElementChild.remove();
  },
  notice(text) {
    $("notice").textContent = text;
    $("notice").hidden = !text;
  },
  needKey() {
    if ($("key-form").hidden) {
      $("key-form").hidden = false;
      $("key").focus();
    } else if ($("key").value) {
      $("key-wrong").textContent = "The server does not take this key.";
    }
  },
  changed() {
    const answered = cards.filter((card) => card.photo).length;
    const failed = cards.filter((card) => card.failure).length;
    const photos = `${cards.length} photo${cards.length === 1 ? "" : "s"}`;
    const parts = [photos, ...(answered < cards.length ? [`${answered} answered`] : [])];
    $("summary").textContent = [...parts, ...(failed ? [`${failed} failed`] : [])].join(", ");
    $("results").hidden = !cards.length;
    document.body.classList.toggle("started", cards.length > 0);
    $("csv").disabled = !answered;
  },
};

const where = new Where(page, keepPage(() => !cards.length && !$("live").open));
const live = new Live(page);

function add(files) {
  page.notice("");
  const added = [...files].map((file) => new Card(file, page));
  for (const card of added) {
    cards.push(card);
    $("cards").append(card.element);
    card.find(".remove").addEventListener("click", () => remove(card));
    card.predict();
  }
  page.changed();
}

function remove(card) {
  const place = cards.indexOf(card);
  cards.splice(place, 1);
  card.remove();
  page.changed();
  page.say(`${card.name} removed`);
  const next = cards[Math.min(place, cards.length - 1)];
  (next ? next.find(".remove") : $("choose")).focus();
}

// Learns what the model is: from the server, or without it from what was kept.
async function introduce() {
  const kept = await keptModel();
  try {
    page.model = await model();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.status === 401) page.needKey();
    else if (!kept) page.notice(error.message);
    if (!kept || error.status) {
      where.giveUp();
      return false;
    }
    page.model = kept.card;
  }
  where.introduce(page.model, kept);
  const { class_names: names, model: { name, dataset, version }, limits, card, formats } = page.model;
  const shown = names.length > 8 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  const list = new Intl.ListFormat("en", { type: "disjunction" }).formatToParts(shown);
  const words = list.map(({ type, value }) => (type === "element" ? isolated(value) : value));
  $("classes").replaceChildren("A network tells how likely each photo is ", ...words, ".");
  const most = Math.round(limits.max_bytes / 2 ** 20);
  $("accepted").textContent = `${formats} of at most ${most} MB.`;
  const tested = card.imported ? null : card.export?.exported; // it may be checked on drawings
  const right = tested ? ` Right for ${tested.correct} of ${tested.n} test photos.` : "";
  const made = card.imported ? `imported from ${card.imported.file}` : `trained on ${dataset}`;
  $("model").textContent = `Model ${name}, ${made}, version ${version}.${right}`;
  if (location.hash === "#measure") measureAtOnce();
  return true;
}

for (const [button, input] of [["choose", "files"], ["take", "camera"]]) {
  $(button).addEventListener("click", () => $(input).click());
  $(input).addEventListener("change", () => {
    add($(input).files);
    $(input).value = ""; // so that the same photo can be chosen again
  });
}

document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) add(event.clipboardData.files);
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // the browser would leave the page to show the file
    const inside = kind === "dragleave" && event.relatedTarget;
    document.body.classList.toggle("dropping", kind === "dragenter" || kind === "dragover" || Boolean(inside));
    if (kind === "drop") add(event.dataTransfer.files);
  });
}

$("csv").addEventListener("click", () => download(table(cards), "sentiment.csv", "text/csv"));
$("clear").addEventListener("click", () => {
  for (const card of cards.splice(0)) card.remove();
  page.changed();
  page.say("All photos removed");
  $("choose").focus();
});
$("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  useKey($("key").value);
  if (!(await introduce())) return;
  $("key-form").hidden = true;
  $("choose").focus();
  for (const card of cards) if (card.failure) card.predict();
});

$("live-open").addEventListener("click", () => live.open());

introduce();

// For a program that opens the page with #measure: measures this device, and sends the result.
function measureAtOnce() {
  document.addEventListener("measured", () => page.model.keeps_measurements && live.send(), { once: true });
  live.open().then(() => live.measure());
}
