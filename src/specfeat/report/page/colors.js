// The colours of points. They can be told apart with each kind of colour blindness.

// The palette of Okabe and Ito (jfly.uni-koeln.de/color), without black, which a dark page would hide, and
// without yellow, which a light page would hide.
const CATEGORY_COLORS = [
  [0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [213, 94, 0], [86, 180, 233], [148, 103, 189],
];
const OTHER_COLOR = [140, 140, 140]; // of all further categories, and of rows without a number
// Nine colours of the colour map viridis (Smith and van der Walt, CC0), from the lowest to the highest value.
const NUMBER_COLORS = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99],
  [170, 220, 50], [253, 231, 37],
];

let rowColors = new Uint32Array(0);
let categoryOrder = []; // the categories of the column, the most frequent first
let categoryCounts = [];
let numberRange = [0, 1];

// The color of a pixel in an ImageData whose bytes are red, green, blue, opacity.
const packColor = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const formatColor = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;

// The colour of a position from 0 to 1 on the scale of numbers.
function getNumberColor(position) {
  const place = Math.min(Math.max(position, 0), 1) * (NUMBER_COLORS.length - 1);
  const index = Math.min(Math.floor(place), NUMBER_COLORS.length - 2);
  return NUMBER_COLORS[index].map((one, k) => Math.round(one + (NUMBER_COLORS[index + 1][k] - one) * (place - index)));
}

function getCategoryColor(category) {
  return CATEGORY_COLORS[categoryOrder.indexOf(category)] || OTHER_COLOR;
}

function colorRows() {
  const { values, categories } = state.column;
  rowColors = new Uint32Array(state.rowCount);
  if (categories) colorByCategory(values, categories);
  else colorByNumber(values);
}

function colorByCategory(values, categories) {
  categoryCounts = new Array(categories.length).fill(0);
  for (const value of values) categoryCounts[value]++;
  categoryOrder = categories.map((_, k) => k).sort((a, b) => categoryCounts[b] - categoryCounts[a] || a - b);
  const colors = new Uint32Array(categories.length).fill(packColor(OTHER_COLOR));
  CATEGORY_COLORS.forEach((color, k) => {
    if (k < categoryOrder.length) colors[categoryOrder[k]] = packColor(color);
  });
  for (let row = 0; row < values.length; row++) rowColors[row] = colors[values[row]];
}

function colorByNumber(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  numberRange = low <= high ? [low, high] : [0, 0];
  const scale = Array.from({ length: 256 }, (_, k) => packColor(getNumberColor(k / 255)));
  const factor = high > low ? 255 / (high - low) : 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    rowColors[row] = Number.isNaN(value) ? packColor(OTHER_COLOR) : scale[Math.round((value - low) * factor)];
  }
}

// A color of the style, as red, green and blue.
function readStyleColor(property) {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const numbers = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.remove();
  return numbers.slice(0, 3);
}
