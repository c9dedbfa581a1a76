// The mouse, the pen or a finger on the map: hover, click, move, zoom, rectangle and lasso.

const HOVER_PIXELS = 14;
const DRAG_PIXELS = 4; // a shorter movement is a click
const drag = { pointer: -1, tool: "move", startX: 0, startY: 0, lastX: 0, lastY: 0, hasMoved: false, isAdded: false };

const getTool = () => document.querySelector('input[name="tool"]:checked').value;

function getPlace(event) {
  const frame = marksCanvas.getBoundingClientRect();
  return [event.clientX - frame.left, event.clientY - frame.top];
}

function startPointer() {
  marksCanvas.addEventListener("pointerdown", beginDrag);
  marksCanvas.addEventListener("pointermove", continueDrag);
  marksCanvas.addEventListener("pointerup", endDrag);
  marksCanvas.addEventListener("pointercancel", cancelDrag);
  marksCanvas.addEventListener("pointerleave", () => {
    setHovered(-1);
    showTooltip(0, 0);
  });
  marksCanvas.addEventListener("wheel", zoomByWheel, { passive: false });
}

function beginDrag(event) {
  if (event.button !== 0 || drag.pointer >= 0) return;
  const [placeX, placeY] = getPlace(event);
  const tool = event.altKey ? "lasso" : event.shiftKey && getTool() === "move" ? "brush" : getTool();
  Object.assign(drag, {
    pointer: event.pointerId, tool, startX: placeX, startY: placeY, lastX: placeX, lastY: placeY,
    hasMoved: false, isAdded: event.ctrlKey || event.metaKey || (event.shiftKey && getTool() !== "move"),
  });
  marksCanvas.setPointerCapture(event.pointerId);
}

function continueDrag(event) {
  const [placeX, placeY] = getPlace(event);
  if (drag.pointer !== event.pointerId) {
    setHovered(findNearest(placeX, placeY, HOVER_PIXELS));
    showTooltip(placeX, placeY);
    return;
  }
  if (Math.hypot(placeX - drag.startX, placeY - drag.startY) > DRAG_PIXELS) drag.hasMoved = true;
  if (!drag.hasMoved) return;
  setHovered(-1);
  showTooltip(0, 0);
  if (drag.tool === "move") moveView(placeX - drag.lastX, placeY - drag.lastY);
  else if (drag.tool === "lasso") outline = outline.length ? [...outline, [placeX, placeY]] : [[drag.startX, drag.startY], [placeX, placeY]];
  else outline = [[drag.startX, drag.startY], [placeX, drag.startY], [placeX, placeY], [drag.startX, placeY]];
  [drag.lastX, drag.lastY] = [placeX, placeY];
  planDrawing(false);
}

function endDrag(event) {
  if (drag.pointer !== event.pointerId) return;
  drag.pointer = -1;
  if (!drag.hasMoved) clickPoint(event);
  else if (drag.tool === "brush") selectRows(listInside(makeRectangleTest(outline)), drag.isAdded);
  else if (drag.tool === "lasso") selectRows(listInside((x, y) => isInPolygon(x, y, outline)), drag.isAdded);
  outline = [];
  planDrawing(false);
}

function cancelDrag() {
  drag.pointer = -1;
  outline = [];
  planDrawing(false);
}

function clickPoint(event) {
  const row = findNearest(...getPlace(event), HOVER_PIXELS);
  if (row < 0) return;
  if (event.ctrlKey || event.metaKey) {
    toggleSelected(row);
    return;
  }
  setCurrent(row);
  playRow(row);
}

function makeRectangleTest([[left, top], , [right, bottom]]) {
  const [minX, maxX] = left < right ? [left, right] : [right, left];
  const [minY, maxY] = top < bottom ? [top, bottom] : [bottom, top];
  return (x, y) => x >= minX && x <= maxX && y >= minY && y <= maxY;
}

// Whether a place is inside a polygon: a line from it to the right crosses the edges an odd number of times.
function isInPolygon(x, y, corners) {
  let isInside = false;
  for (let k = 0, previous = corners.length - 1; k < corners.length; previous = k++) {
    const [startX, startY] = corners[previous];
    const [endX, endY] = corners[k];
    if (startY > y !== endY > y && x < startX + ((endX - startX) * (y - startY)) / (endY - startY)) isInside = !isInside;
  }
  return isInside;
}

function zoomByWheel(event) {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? event.deltaY * 20 : event.deltaY;
  zoomAt(Math.exp(-Math.max(-300, Math.min(300, lines)) / 300), ...getPlace(event));
}
