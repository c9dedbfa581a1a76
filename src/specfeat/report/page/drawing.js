// Draws the map: all points into the pixels of one canvas, and marks (current point, selection) on another.

const pointsCanvas = document.getElementById("points");
const marksCanvas = document.getElementById("marks");
let drawingOrder = new Uint32Array(0);
let isDrawingPlanned = false;
let arePointsOld = true;
let outline = []; // the rectangle or lasso that is being drawn, as places in pixels of CSS

// A fixed random order, so that the last file does not cover all others.
function shuffleRows() {
  drawingOrder = Uint32Array.from({ length: state.rowCount }, (_, k) => k);
  let seed = 1;
  for (let k = state.rowCount - 1; k > 0; k--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; // Numerical Recipes, section 7.1
    const other = Math.floor((seed / 2 ** 32) * (k + 1));
    [drawingOrder[k], drawingOrder[other]] = [drawingOrder[other], drawingOrder[k]];
  }
}

function planDrawing(arePointsChanged) {
  arePointsOld ||= arePointsChanged;
  if (isDrawingPlanned) return;
  isDrawingPlanned = true;
  requestAnimationFrame(() => {
    isDrawingPlanned = false;
    if (arePointsOld) drawPoints();
    arePointsOld = false;
    drawMarks();
  });
}

function resizeMap() {
  const frame = document.getElementById("map-frame");
  view.width = Math.max(frame.clientWidth, 1);
  view.height = Math.max(frame.clientHeight, 1);
  view.ratio = window.devicePixelRatio || 1;
  for (const canvas of [pointsCanvas, marksCanvas]) {
    canvas.width = Math.round(view.width * view.ratio);
    canvas.height = Math.round(view.height * view.ratio);
  }
  planDrawing(true);
}

// The diameter of a point in pixels of the screen.
function choosePointSize() {
  const count = state.visibleCount;
  const size = count > 100000 ? 2 : count > 20000 ? 3 : count > 2000 ? 5 : 8;
  return Math.max(1, Math.round((size + Math.min(3, Math.log2(view.zoom))) * view.ratio));
}

// For each line of a point, how many pixels are left out at both ends, so that large points are round.
function listPointInsets(size) {
  return Array.from({ length: size }, (_, line) => {
    if (size < 4) return 0;
    const offset = (line + 0.5) / size - 0.5;
    return Math.round((0.5 - Math.sqrt(0.25 - offset * offset)) * size);
  });
}

function drawPoints() {
  const startedAt = performance.now();
  const context = pointsCanvas.getContext("2d");
  const image = context.createImageData(pointsCanvas.width, pointsCanvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const background = readStyleColor("--back");
  pixels.fill(packColor(background));
  let drawn = 0;
  if (state.selectedCount) {
    drawn += drawLayer(pixels, 0, background);
    drawn += drawLayer(pixels, 1, null);
  } else drawn = drawLayer(pixels, -1, null);
  context.putImageData(image, 0, 0);
  pointsCanvas.dataset.drawn = drawn;
  pointsCanvas.dataset.milliseconds = (performance.now() - startedAt).toFixed(1);
}

// Draws the points whose `selected` has a value; -1 for all. With `background`, they are faint.
function drawLayer(pixels, wanted, background) {
  const { width, height } = pointsCanvas;
  const [scaleX, scaleY] = getScales().map((scale) => scale * view.ratio);
  const size = choosePointSize();
  const insets = listPointInsets(size);
  const shiftX = width / 2 - view.centerX * scaleX - size / 2 + 0.5;
  const shiftY = height / 2 + view.centerY * scaleY - size / 2 + 0.5;
  const faint = background && packColor(background);
  // Local names, and writes of single pixels, because this loop decides how fast the map moves.
  const { x, y } = arrays;
  const { visible, selected } = state;
  const colors = rowColors;
  let drawn = 0;
  for (let k = 0; k < drawingOrder.length; k++) {
    const row = drawingOrder[k];
    if (!visible[row] || (wanted >= 0 && selected[row] !== wanted)) continue;
    const left = Math.floor(x[row] * scaleX + shiftX);
    const top = Math.floor(shiftY - y[row] * scaleY);
    // Written so that NaN, the place of a row that is not finite, is outside.
    if (!(left >= 0 && top >= 0 && left + size <= width && top + size <= height)) continue;
    const color = background ? mixColors(colors[row], faint) : colors[row];
    for (let line = 0; line < size; line++) {
      const start = (top + line) * width + left;
      const end = start + size - insets[line];
      for (let pixel = start + insets[line]; pixel < end; pixel++) pixels[pixel] = color;
    }
    drawn++;
  }
  return drawn;
}

// A quarter of a packed colour and three quarters of another.
function mixColors(color, other) {
  return (((color >>> 2) & 0x3f3f3f3f) + 3 * ((other >>> 2) & 0x3f3f3f3f)) | 0xff000000;
}

// --- marks ---------------------------------------------------------------------------------------

function drawMarks() {
  const context = marksCanvas.getContext("2d");
  context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  const text = `rgb(${readStyleColor("--text").join(" ")})`;
  const accent = `rgb(${readStyleColor("--accent").join(" ")})`;
  const radius = choosePointSize() / view.ratio / 2;
  for (const row of listNeighbors(state.current)) drawRing(context, row, radius + 3, accent, 1.5);
  if (state.hovered >= 0) drawRing(context, state.hovered, radius + 3, text, 1.5);
  if (state.current >= 0) {
    drawRing(context, state.current, radius + 4, text, 2.5);
    drawRing(context, state.current, radius + 9, text, 1);
  }
  drawLabelMarks(context, radius, text);
  if (outline.length > 1) drawOutline(context, accent);
}

function drawRing(context, row, radius, color, lineWidth) {
  const [placeX, placeY] = placeRow(row);
  if (Number.isNaN(placeX)) return;
  context.beginPath();
  context.arc(placeX, placeY, radius, 0, 2 * Math.PI);
  context.strokeStyle = color;
  context.lineWidth = lineWidth;
  context.stroke();
}

// A sign beside each labelled point: + positive, − negative, ? uncertain.
function drawLabelMarks(context, radius, color) {
  const rows = labels.byName.get(getLabelName());
  if (!rows || rows.size > 5000) return;
  const signs = { positive: "+", negative: "−", uncertain: "?" };
  context.font = "bold 14px system-ui, sans-serif";
  context.fillStyle = color;
  for (const [row, kind] of rows) {
    if (!state.visible[row]) continue;
    const [placeX, placeY] = placeRow(row);
    context.fillText(signs[kind], placeX + radius + 2, placeY - radius);
  }
}

function drawOutline(context, color) {
  context.beginPath();
  for (const [placeX, placeY] of outline) context.lineTo(placeX, placeY);
  context.closePath();
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}
