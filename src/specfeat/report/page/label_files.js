// Writes the labels as files: one CSV table for all, and for Raven and Audacity one file for each audio file.

const CSV_COLUMNS = ["row", "path", "start_s", "end_s", "label", "label_type"];
const RAVEN_COLUMNS = [
  "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)",
  "Begin File", "Begin Path", "File Offset (s)", "Label", "Label Type",
];

function writeCsvLabels() {
  const lines = listLabels().map(([row, name, kind]) => [
    row, getFileName(row), arrays.start_s[row], arrays.end_s[row], name, kind,
  ]);
  return [CSV_COLUMNS, ...lines].map((line) => `${line.map(quoteCsvValue).join(",")}\n`).join("");
}

function quoteCsvValue(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// A tab or a line break would end the value; these formats have no quotes.
const cleanTabValue = (value) => String(value).replace(/[\t\r\n]+/g, " ");

// The labels of each audio file: a Map from the number of the file to a list of [row, name, kind].
function groupLabels() {
  const groups = new Map();
  for (const item of listLabels()) {
    const file = arrays.file[item[0]];
    if (!groups.has(file)) groups.set(file, []);
    groups.get(file).push(item);
  }
  return groups;
}

// A selection table of Raven for one audio file. The times count from the start of this file.
function writeRavenTable(items) {
  const lines = items.map(([row, name, kind], k) => [
    k + 1, "Spectrogram 1", getChannelNumber(row), arrays.start_s[row], arrays.end_s[row], 0, report.output.sampleRate / 2,
    getShortName(row), getFileName(row), arrays.start_s[row], name, kind,
  ]);
  return [RAVEN_COLUMNS, ...lines].map((line) => `${line.map(cleanTabValue).join("\t")}\n`).join("");
}

// The channel of a row as Raven counts it, from 1; 1 if the row is made from several channels.
function getChannelNumber(row) {
  const channel = state.columns.find(({ name }) => name === "channel");
  const number = channel ? Number(formatValue(channel, row)) : NaN;
  return Number.isInteger(number) && number >= 0 ? number + 1 : 1;
}

// A label track of Audacity for one audio file. The kind stands in brackets, unless it is positive.
function writeAudacityTrack(items) {
  return items.map(([row, name, kind]) => {
    const text = kind === "positive" ? name : `${name} (${kind})`;
    return `${arrays.start_s[row]}\t${arrays.end_s[row]}\t${cleanTabValue(text)}\n`;
  }).join("");
}

// --- downloads -----------------------------------------------------------------------------------

function exportCsv() {
  saveFile("labels.csv", new Blob([writeCsvLabels()], { type: "text/csv" }));
}

function exportRaven() {
  exportPerFile("raven", ".selections.txt", writeRavenTable);
}

function exportAudacity() {
  exportPerFile("audacity", ".labels.txt", writeAudacityTrack);
}

// Saves one text for each audio file that has labels; several texts come as a ZIP archive.
function exportPerFile(name, ending, write) {
  const taken = new Set();
  const entries = [...groupLabels()].map(([file, items]) => [makeLabelFileName(report.files[file][0], ending, taken), write(items)]);
  if (entries.length === 1) saveFile(entries[0][0], new Blob([entries[0][1]], { type: "text/plain" }));
  else saveFile(`${name}.zip`, makeArchive(entries));
}

// The name of the file with the labels of an audio file: its path without separators, so that it leads nowhere.
function makeLabelFileName(path, ending, taken) {
  const stem = path.replace(/[/\\:*?"<>|\p{C}]+/gu, "_").replace(/^[._]+/, "").slice(-150) || "file";
  let name = stem + ending;
  for (let number = 2; taken.has(name); number++) name = `${stem}~${number}${ending}`;
  taken.add(name);
  return name;
}

function saveFile(name, content) {
  const address = URL.createObjectURL(content);
  const link = makeElement("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
