// The keyboard: in the map, and keys that work in the whole page.

const KEY_HELP = [
  ["Arrow keys", "in the map: go to the next point in this direction"],
  ["Shift + arrow keys", "in the map: move the map"],
  ["Space, Enter", "play the clip of the point, or stop"],
  [", and .", "go to the previous or the next clip of the same file"],
  ["1, 2, 3", "label the point: positive, negative, uncertain"],
  ["0", "remove the label"],
  ["Ctrl + Z, Ctrl + Y", "take the last label back, or give it again"],
  ["N", "go through the most similar rows, the most similar first"],
  ["S", "add the point to the selection, or remove it"],
  ["V", "select all points in view"],
  ["Esc", "stop the sound, or clear the selection"],
  ["+, −, H", "zoom in, zoom out, show the whole map"],
  ["Shift or Alt + drag", "select a rectangle, or with a lasso; with Ctrl also: add to the selection"],
  ["Ctrl + click", "add a point to the selection, or remove it"],
  ["?", "show this list"],
];
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MOVED_PIXELS = 60;
let similar = { row: -1, place: -1 }; // how far the key N has come

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || document.getElementById("keys").open) return;
    const isHandled = event.ctrlKey || event.metaKey ? handleControlKey(event) : !event.altKey && handleKey(event);
    if (isHandled) event.preventDefault();
  });
  const lines = KEY_HELP.map(([keys, text]) => {
    const key = makeElement("th", { scope: "row" }, makeElement("kbd", {}, keys));
    return makeElement("tr", {}, [key, makeElement("td", {}, text)]);
  });
  document.getElementById("key-table").append(makeElement("tbody", {}, lines));
  document.getElementById("show-keys").addEventListener("click", () => document.getElementById("keys").showModal());
}

// Whether keys belong to a field, and not to the page.
function isTyping(element) {
  return element.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
}

function handleControlKey(event) {
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) tellUndone(undoLabels(), "taken back");
  else if (key === "y" || (key === "z" && event.shiftKey)) tellUndone(redoLabels(), "given again");
  else return false;
  return true;
}

function handleKey(event) {
  const isMap = document.activeElement === marksCanvas;
  const isButton = event.target.matches("button, a, summary, input");
  if (DIRECTIONS[event.key]) return isMap && handleArrow(event);
  if (event.key === " " || event.key === "Enter") return !isButton && togglePlaying();
  const action = KEY_ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return false;
  action();
  return true;
}

const KEY_ACTIONS = {
  ",": () => stepAndPlay(-1),
  ".": () => stepAndPlay(1),
  0: () => labelByKey(undefined),
  1: () => labelByKey(KINDS[0]),
  2: () => labelByKey(KINDS[1]),
  3: () => labelByKey(KINDS[2]),
  n: goToSimilar,
  s: () => state.current >= 0 && toggleSelected(state.current),
  v: selectView,
  Escape: () => (player.row >= 0 ? stopPlaying() : selectRows([], false)),
  "+": () => zoomAt(1.5, view.width / 2, view.height / 2),
  "=": () => zoomAt(1.5, view.width / 2, view.height / 2),
  "-": () => zoomAt(1 / 1.5, view.width / 2, view.height / 2),
  h: showWholeMap,
  "?": () => document.getElementById("keys").showModal(),
};

function handleArrow(event) {
  const [directionX, directionY] = DIRECTIONS[event.key];
  if (event.shiftKey) {
    moveView(-directionX * MOVED_PIXELS, -directionY * MOVED_PIXELS);
    return true;
  }
  const start = state.current >= 0 ? state.current : findNearest(view.width / 2, view.height / 2, Infinity);
  const next = state.current >= 0 ? findInDirection(start, directionX, directionY) : start;
  if (next >= 0) goToRow(next);
  return true;
}

// Makes a row the current one, brings it into view and reads it to screen readers.
function goToRow(row) {
  setCurrent(row);
  showRow(row);
  announce(describeRow(row));
}

function togglePlaying() {
  if (player.row >= 0) stopPlaying();
  else playRow(state.current);
  return true;
}

function stepAndPlay(step) {
  if (state.current < 0) return;
  const next = stepInFile(state.current, step);
  if (next < 0) {
    announce("There is no further clip in this file.");
    return;
  }
  goToRow(next);
  playRow(next);
}

// The first N goes to the most similar row, the next N to the second most similar row of the same point.
function goToSimilar() {
  const isNext = similar.place >= 0 && state.current === listNeighbors(similar.row)[similar.place];
  similar = isNext ? { row: similar.row, place: similar.place + 1 } : { row: state.current, place: 0 };
  const other = listNeighbors(similar.row)[similar.place];
  if (other === undefined) {
    announce("There are no further similar rows in this page.");
    similar = { row: -1, place: -1 };
    return;
  }
  goToRow(other);
  playRow(other);
}

function selectView() {
  selectRows(listInside((x, y) => x >= 0 && y >= 0 && x <= view.width && y <= view.height), false);
}

function showWholeMap() {
  fitView();
  notify("view");
}
