// The labels that the user gives rows: for each name of a label, each row is positive, negative or uncertain.

const KINDS = ["positive", "negative", "uncertain"]; // number keys 1, 2 and 3
const STORAGE_KEY = `specfeat.labels.${report.output.sha256}`;

const labels = {
  byName: new Map(), // name -> Map(row -> kind)
  done: [], // steps that can be undone; a step is a list of [name, row, kind before, kind after]
  undone: [],
  isKept: true, // whether the browser keeps the labels after the page is closed
};

const getLabel = (name, row) => labels.byName.get(name)?.get(row);

function writeLabel(name, row, kind) {
  if (!labels.byName.has(name)) labels.byName.set(name, new Map());
  const rows = labels.byName.get(name);
  if (kind) rows.set(row, kind);
  else rows.delete(row);
  if (!rows.size) labels.byName.delete(name);
}

// Gives rows a label; `kind` is undefined to remove it. Returns how many labels have changed.
function labelRows(name, rows, kind) {
  return changeLabels(Array.from(rows, (row) => [name, row, kind]));
}

// Changes labels in one step that can be undone; each item is [name, row, kind].
function changeLabels(items) {
  const step = [];
  for (const [name, row, kind] of items) {
    const before = getLabel(name, row);
    if (before === kind) continue;
    step.push([name, row, before, kind]);
    writeLabel(name, row, kind);
  }
  if (step.length) {
    labels.done.push(step);
    labels.undone = [];
    saveLabels();
  }
  return step.length;
}

// Takes the last step back. Returns how many labels have changed.
function undoLabels() {
  const step = labels.done.pop();
  if (!step) return 0;
  for (const [name, row, before] of step.toReversed()) writeLabel(name, row, before);
  labels.undone.push(step);
  saveLabels();
  return step.length;
}

function redoLabels() {
  const step = labels.undone.pop();
  if (!step) return 0;
  for (const [name, row, , after] of step) writeLabel(name, row, after);
  labels.done.push(step);
  saveLabels();
  return step.length;
}

// All labels as [row, name, kind], in the order of the rows and then of the names.
function listLabels() {
  const items = [];
  for (const [name, rows] of labels.byName) for (const [row, kind] of rows) items.push([row, name, kind]);
  return items.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
}

function describeLabels(row) {
  const items = [];
  for (const [name, rows] of labels.byName) if (rows.has(row)) items.push(`${name}: ${rows.get(row)}`);
  return items.sort().join(", ");
}

// --- the store of the browser --------------------------------------------------------------------

function saveLabels() {
  // A list of names, because a name such as __proto__ cannot be a key of an object.
  const stored = [...labels.byName].map(([name, rows]) => [name, [...rows]]);
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify({ schema: 1, labels: stored }));
    labels.isKept = true;
  } catch {
    labels.isKept = false; // the store is full, or the browser allows none
  }
  notify("labels");
}

// Reads the labels of earlier visits. What is not a label of this output is ignored.
function loadLabels() {
  let stored = null;
  try {
    stored = JSON.parse(localStorage.getItem(STORAGE_KEY));
  } catch {
    labels.isKept = false;
  }
  labels.byName = new Map();
  if (stored?.schema === 1 && Array.isArray(stored.labels)) {
    for (const [name, rows] of stored.labels) {
      for (const [row, kind] of rows) {
        if (row >= 0 && row < state.rowCount && KINDS.includes(kind)) writeLabel(String(name), row, kind);
      }
    }
  }
  notify("labels");
}

// If the same report is open twice, the other page has changed the labels; its steps cannot be undone here.
function followOtherPages() {
  window.addEventListener("storage", (event) => {
    if (event.key !== STORAGE_KEY) return;
    labels.done = [];
    labels.undone = [];
    loadLabels();
  });
}
