// The results as a table, one line a photo.

export function table(results) {
  const classNames = Object.keys(results.find(({ photo }) => photo).photo.probabilities);
  const head = ["file", "label", ...classNames, "width", "height", "decode_ms", "inference_ms", "error"];
  const lines = results.map(({ name, photo, failure }) =>
    photo
      ? [name, photo.label, ...classNames.map((c) => photo.probabilities[c].toFixed(6)),
         photo.width, photo.height, photo.decode_ms.toFixed(2), photo.inference_ms.toFixed(2), ""]
      : [name, ...Array(classNames.length + 5).fill(""), failure ?? "no answer yet"],
  );
  // Without a byte order mark Excel takes UTF-8 for the system's own letters.
  return "\ufeff" + [head, ...lines].map((line) => line.map(cell).join(",") + "\r\n").join("");
}

function cell(value) {
  // A spreadsheet would run a text that starts so as a formula.
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
