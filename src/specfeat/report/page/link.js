// The address of a view: the point, the selection, the column and the place on the map, after the #.

const MAX_LINK_RANGES = 2000; // longer addresses are cut by some programs

// The selected rows as ranges, e.g. "0-3,8".
function writeRanges(rows) {
  const ranges = [];
  for (const row of rows) {
    const last = ranges.at(-1);
    if (last && last[1] === row - 1) last[1] = row;
    else ranges.push([row, row]);
  }
  if (ranges.length > MAX_LINK_RANGES) return null;
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function readRanges(text) {
  const rows = [];
  for (const part of text.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) continue;
    const last = Math.min(Number(match[2] ?? match[1]), state.rowCount - 1);
    for (let row = Number(match[1]); row <= last; row++) rows.push(row);
  }
  return rows;
}

// Puts the view into the address of the page, and copies the address.
async function copyLink() {
  const ranges = writeRanges(listSelected());
  const field = document.getElementById("link");
  if (ranges === null) {
    document.getElementById("selection-state").textContent =
      "This selection has too many pieces for a link; label it, and export the labels.";
    return;
  }
  const parameters = new URLSearchParams();
  if (state.current >= 0) parameters.set("row", state.current);
  if (ranges) parameters.set("rows", ranges);
  parameters.set("color", state.column.name);
  if (view.zoom !== 1) parameters.set("view", [view.centerX, view.centerY, view.zoom].map((one) => one.toPrecision(6)).join(","));
  history.replaceState(null, "", `#${parameters}`);
  field.value = location.href;
  field.hidden = false;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    document.getElementById("selection-state").textContent = "The link is copied.";
  } catch {
    field.focus(); // without the right to copy, the user copies the selected text
  }
}

// Restores the view that the address names.
function openLink() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const column = state.columns.find(({ name }) => name === parameters.get("color"));
  if (column) setColumn(column);
  const numbers = (parameters.get("view") || "").split(",").map(Number);
  if (numbers.length === 3 && numbers.every(Number.isFinite) && numbers[2] > 0) {
    [view.centerX, view.centerY, view.zoom] = numbers;
    notify("view");
  }
  if (parameters.get("rows")) selectRows(readRanges(parameters.get("rows")), false);
  if (/^\d+$/.test(parameters.get("row") || "")) setCurrent(Number(parameters.get("row")));
}
