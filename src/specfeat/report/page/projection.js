// Where points are on the screen, and which point is near a place.

const MAX_STRETCH = 3; // the two axes have the same scale, unless one of them would then fill too little
const MARGIN = 16; // pixels at the edges of the map

const view = { width: 1, height: 1, ratio: 1, zoom: 1, centerX: 0, centerY: 0 };
const bounds = { left: 0, right: 1, bottom: 0, top: 1 };

function measureBounds() {
  const ranges = [arrays.x, arrays.y].map((values) => {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low < high ? [low, high] : low === high ? [low - 1, low + 1] : [0, 1];
  });
  [[bounds.left, bounds.right], [bounds.bottom, bounds.top]] = ranges;
  fitView();
}

function fitView() {
  view.zoom = 1;
  view.centerX = (bounds.left + bounds.right) / 2;
  view.centerY = (bounds.bottom + bounds.top) / 2;
}

// Pixels of the screen for a unit of each axis.
function getScales() {
  const whole = [
    (view.width - 2 * MARGIN) / (bounds.right - bounds.left),
    (view.height - 2 * MARGIN) / (bounds.top - bounds.bottom),
  ];
  const least = Math.min(...whole) * MAX_STRETCH;
  return whole.map((scale) => Math.max(Math.min(scale, least), 1e-12) * view.zoom);
}

// The place of a row on the map, in pixels of CSS.
function placeRow(row) {
  const [scaleX, scaleY] = getScales();
  return [
    (arrays.x[row] - view.centerX) * scaleX + view.width / 2,
    (view.centerY - arrays.y[row]) * scaleY + view.height / 2,
  ];
}

// Zooms so that the point under a place stays there.
function zoomAt(factor, placeX, placeY) {
  const [scaleX, scaleY] = getScales();
  const zoom = Math.min(Math.max(view.zoom * factor, 0.5), 1e5);
  const moved = 1 - view.zoom / zoom;
  view.centerX += ((placeX - view.width / 2) / scaleX) * moved;
  view.centerY -= ((placeY - view.height / 2) / scaleY) * moved;
  view.zoom = zoom;
  notify("view");
}

function moveView(pixelsX, pixelsY) {
  const [scaleX, scaleY] = getScales();
  view.centerX -= pixelsX / scaleX;
  view.centerY += pixelsY / scaleY;
  notify("view");
}

// Moves the view only if a point is outside it, so that the keyboard can reach each point.
function showRow(row) {
  const [placeX, placeY] = placeRow(row);
  if (placeX >= 0 && placeX <= view.width && placeY >= 0 && placeY <= view.height) return;
  if (Number.isNaN(placeX)) return;
  view.centerX = arrays.x[row];
  view.centerY = arrays.y[row];
  notify("view");
}

// The visible row that is nearest to a place, within `limit` pixels; -1 if there is none.
function findNearest(placeX, placeY, limit) {
  const [scaleX, scaleY] = getScales();
  const wantedX = (placeX - view.width / 2) / scaleX + view.centerX;
  const wantedY = view.centerY - (placeY - view.height / 2) / scaleY;
  let best = limit * limit;
  let found = -1;
  for (let row = 0; row < state.rowCount; row++) {
    if (!state.visible[row]) continue;
    const distanceX = (arrays.x[row] - wantedX) * scaleX;
    const distanceY = (arrays.y[row] - wantedY) * scaleY;
    const distance = distanceX * distanceX + distanceY * distanceY;
    if (distance < best) {
      best = distance;
      found = row;
    }
  }
  return found;
}

// The nearest visible row in a direction from the current one, e.g. (1, 0) for the right. Points that are more
// aside than ahead do not count. Returns -1 if there is none.
function findInDirection(row, directionX, directionY) {
  const [scaleX, scaleY] = getScales();
  let best = Infinity;
  let found = -1;
  for (let other = 0; other < state.rowCount; other++) {
    if (!state.visible[other] || other === row) continue;
    const distanceX = (arrays.x[other] - arrays.x[row]) * scaleX;
    const distanceY = (arrays.y[row] - arrays.y[other]) * scaleY;
    const ahead = distanceX * directionX + distanceY * directionY;
    const aside = Math.abs(distanceX * directionY) + Math.abs(distanceY * directionX);
    if (ahead <= 0 || aside > ahead) continue;
    const distance = ahead + 2 * aside;
    if (distance < best) {
      best = distance;
      found = other;
    }
  }
  return found;
}

// All visible rows for whose places, in pixels, `isInside(x, y)` is true.
function listInside(isInside) {
  const [scaleX, scaleY] = getScales();
  const rows = [];
  for (let row = 0; row < state.rowCount; row++) {
    if (!state.visible[row]) continue;
    const placeX = (arrays.x[row] - view.centerX) * scaleX + view.width / 2;
    const placeY = (view.centerY - arrays.y[row]) * scaleY + view.height / 2;
    if (isInside(placeX, placeY)) rows.push(row);
  }
  return rows;
}
