// Reads the description and the arrays of the report, which Python has written into the page.
"use strict";

const ARRAY_TYPES = {
  u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i2: Int16Array, f4: Float32Array, f8: Float64Array,
};

const report = JSON.parse(document.getElementById("description").textContent);
const arrays = {};

// Unpacks all arrays. Throws an Error whose message is a sentence for the user.
async function loadArrays() {
  const bytes = await inflate(decodeBase64(findDataText()));
  for (const { name, type, shape, offset } of report.arrays) {
    const length = shape.reduce((product, size) => product * size, 1);
    arrays[name] = new ARRAY_TYPES[type](bytes.buffer, offset, length);
  }
}

function findDataText() {
  const text = document.getElementById("data").textContent;
  if (text) return text;
  const beside = window.specfeatData;
  if (!beside) {
    throw new Error("The data of this page is not there: keep the file that ends in .data.js beside the page.");
  }
  if (beside.identity !== report.identity) {
    throw new Error("The data beside this page belongs to another report: make the report again.");
  }
  window.specfeatData = undefined; // the text can be large
  return beside.data;
}

function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = characters.charCodeAt(k);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// --- facts about a row ---------------------------------------------------------------------------

const getFile = (row) => report.files[arrays.file[row]];
const getFileName = (row) => getFile(row)[0];
const getShortName = (row) => getFileName(row).split("/").pop();

// Seconds with three digits at most, so that 0.1 + 0.2 is 0.3.
const formatSeconds = (seconds) => String(Math.round(seconds * 1000) / 1000);
const formatTimes = (row) => `${formatSeconds(arrays.start_s[row])} to ${formatSeconds(arrays.end_s[row])} s`;
const formatCount = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

function formatNumber(value) {
  if (Number.isNaN(value)) return "none";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

// The value of a column in one row, as text.
function formatValue(column, row) {
  const value = column.values[row];
  return column.categories ? column.categories[value] || "(empty)" : formatNumber(value);
}

// Finds a number in a sorted array; returns its place, or -1.
function findSorted(sorted, wanted) {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] === wanted) return middle;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

// The neighbouring rows of the same file in time; returns -1 at the ends of the file.
function stepInFile(row, step) {
  const next = row + step;
  return next >= 0 && next < report.output.rows && arrays.file[next] === arrays.file[row] ? next : -1;
}
