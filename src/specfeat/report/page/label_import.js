// Reads labels from files: the CSV of this page, selection tables of Raven and label tracks of Audacity.

const LABEL_COLUMNS = ["label", "Label", "Annotation", "Species", "Common Name"];
const SAME_TIME_S = 1e-3;
const MAX_IMPORT_BYTES = 100e6;

// Reads one file. Returns { changed, lines, unmatched }, or throws an Error with a sentence for the user.
async function importLabels(file) {
  if (file.size > MAX_IMPORT_BYTES) throw new Error(`${file.name} is larger than ${MAX_IMPORT_BYTES / 1e6} MB.`);
  const text = (await file.text()).replace(/^\uFEFF/, "");
  const lines = readLabelLines(text, file.name);
  const items = [];
  let unmatched = 0;
  for (const line of lines) {
    const rows = findRows(line);
    if (!rows.length) unmatched++;
    for (const row of rows) items.push([line.label, row, line.kind]);
  }
  return { changed: changeLabels(items), lines: lines.length, unmatched };
}

// The lines of a file as { path, start, end, row, label, kind }.
function readLabelLines(text, name) {
  const first = text.split("\n", 1)[0];
  const isTable = /^Selection\t|\tBegin Time \(s\)/.test(first) || /(^|[,"\t])(path|start_s)([,"\t\r]|$)/.test(first);
  if (!isTable) return readAudacityLines(text, name);
  const delimiter = first.includes("\t") ? "\t" : ",";
  const [header = [], ...table] = splitTable(text, delimiter);
  return table.map((values) => readTableLine(Object.fromEntries(header.map((column, k) => [column, values[k] ?? ""])), name));
}

function readTableLine(line, name) {
  const begin = readNumber(line["Begin Time (s)"] ?? line.start_s, name);
  const end = readNumber(line["End Time (s)"] ?? line.end_s, name);
  // With several files in one table, Begin Time counts from the start of the first one.
  const start = line["File Offset (s)"] ? readNumber(line["File Offset (s)"], name) : begin;
  const column = LABEL_COLUMNS.find((one) => line[one]);
  return {
    path: line.path || line["Begin Path"] || line["Begin File"] || findAudioName(name),
    row: line.row === undefined || line.row === "" ? -1 : Number(line.row),
    start,
    end: start + (end - begin),
    ...readLabelText(column ? line[column] : "", line.label_type || line["Label Type"]),
  };
}

function readAudacityLines(text, name) {
  // A line that begins with a backslash has the frequencies of the label before it.
  const lines = text.split(/\r?\n/).filter((line) => line && !line.startsWith("\\"));
  return lines.map((line) => {
    const [start, end, label = ""] = line.split("\t");
    return {
      path: findAudioName(name), row: -1, start: readNumber(start, name), end: readNumber(end, name), ...readLabelText(label),
    };
  });
}

// The name and the kind of a label; "song (negative)" is negative.
function readLabelText(text, kind) {
  const match = /^(.*) \((positive|negative|uncertain)\)$/.exec(text);
  const name = !kind && match ? match[1] : text;
  const found = KINDS.includes(kind) ? kind : !kind && match ? match[2] : "positive";
  return { label: name || getLabelName(), kind: found };
}

function readNumber(text, name) {
  const number = text === undefined || text === "" ? NaN : Number(text);
  if (Number.isNaN(number)) throw new Error(`${name} has no labels that this page can read: "${text ?? ""}" is not a time.`);
  return number;
}

// --- the rows of a line --------------------------------------------------------------------------

// The row that a line names, the rows with its times, or those of which it covers at least half.
function findRows({ path, start, end, row }) {
  const file = findFile(path);
  if (file < 0) return [];
  if (Number.isInteger(row) && row >= 0 && row < state.rowCount && arrays.file[row] === file && hasTimes(row, start, end)) return [row];
  const exact = [];
  const covered = [];
  for (let other = arrays.file.indexOf(file); other >= 0 && other < state.rowCount; other++) {
    if (arrays.file[other] !== file) continue;
    if (hasTimes(other, start, end)) exact.push(other);
    const overlap = Math.min(end, arrays.end_s[other]) - Math.max(start, arrays.start_s[other]);
    if (overlap >= (arrays.end_s[other] - arrays.start_s[other]) / 2 && overlap > 0) covered.push(other);
  }
  return exact.length ? exact : covered;
}

function hasTimes(row, start, end) {
  return Math.abs(arrays.start_s[row] - start) < SAME_TIME_S && Math.abs(arrays.end_s[row] - end) < SAME_TIME_S;
}

// The number of a file by its path, or by its last part if only one file has it; -1 if there is none.
function findFile(path) {
  const whole = report.files.findIndex(([name]) => name === path);
  if (whole >= 0) return whole;
  const last = path.split(/[/\\]/).pop();
  const found = report.files.flatMap(([name], k) => (name.split("/").pop() === last ? [k] : []));
  return found.length === 1 ? found[0] : -1;
}

// The audio file to which a file of labels belongs, by its name: "a.wav.labels.txt" or "a.txt" belongs to a.wav.
function findAudioName(name) {
  const taken = new Set();
  const exported = report.files.find(([path]) => {
    return [".labels.txt", ".selections.txt"].some((ending) => makeLabelFileName(path, ending, taken) === name);
  });
  if (exported) return exported[0];
  const stem = name.replace(/(\.Table\.\d+)?(\.selections|\.labels)?\.\w+$/i, "");
  const alike = report.files.filter(([path]) => [path.split("/").pop(), path.split("/").pop().replace(/\.\w+$/, "")].includes(stem));
  if (alike.length === 1) return alike[0][0];
  if (state.current >= 0) return getFileName(state.current);
  throw new Error(`${name} does not say to which audio file it belongs: choose a point of this file, and import it again.`);
}

// The values of each line of a CSV or TSV text. Quotes may enclose delimiters and line breaks.
function splitTable(text, delimiter) {
  const lines = [];
  let line = [];
  let place = 0;
  while (place < text.length) {
    const [value, end] = readTableValue(text, place, delimiter);
    line.push(value);
    place = end + 1;
    if (text[end] === delimiter) {
      if (place === text.length) line.push("");
      if (place < text.length) continue;
    }
    if (text[end] === "\r" && text[place] === "\n") place++;
    if (line.length > 1 || line[0] !== "") lines.push(line);
    line = [];
  }
  return lines;
}

// A value that begins at a place, and the place of the character after it.
function readTableValue(text, place, delimiter) {
  if (text[place] !== '"' || delimiter === "\t") {
    let end = place;
    while (end < text.length && text[end] !== delimiter && text[end] !== "\n" && text[end] !== "\r") end++;
    return [text.slice(place, end), end];
  }
  let value = "";
  let start = place + 1;
  for (;;) {
    const quote = text.indexOf('"', start);
    if (quote < 0) return [value + text.slice(start), text.length];
    value += text.slice(start, quote);
    if (text[quote + 1] !== '"') return [value, quote + 1];
    value += '"';
    start = quote + 2;
  }
}
