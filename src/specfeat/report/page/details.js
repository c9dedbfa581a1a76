// Shows one row: file, time, columns, the spectrogram and the most similar rows. All texts become text nodes.

// Makes an element; `content` is a text, an element or a list of both.
function makeElement(tag, properties = {}, content = []) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...(Array.isArray(content) ? content : [content]));
  return element;
}

function listNeighbors(row) {
  const count = report.neighbors.count;
  return row < 0 ? [] : arrays.neighbors.subarray(row * count, (row + 1) * count);
}

// A canvas with the spectrogram of a row, or null if the row has no thumbnail.
function makeThumbnail(row) {
  const place = findSorted(arrays.thumbnail_rows, row);
  if (place < 0) return null;
  const [, bins, frames] = report.arrays.find(({ name }) => name === "thumbnails").shape;
  const canvas = makeElement("canvas", { className: "thumbnail", width: frames, height: bins });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Spectrogram of the clip, as the network sees it");
  const context = canvas.getContext("2d");
  const image = context.createImageData(frames, bins);
  const pixels = new Uint32Array(image.data.buffer);
  const values = arrays.thumbnails.subarray(place * bins * frames, (place + 1) * bins * frames);
  for (let bin = 0; bin < bins; bin++) {
    for (let frame = 0; frame < frames; frame++) {
      const line = bins - 1 - bin; // the lowest bin is at the bottom
      pixels[line * frames + frame] = packColor(getNumberColor(values[bin * frames + frame] / 255));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function describeRow(row) {
  const label = describeLabels(row);
  const value = state.column ? `, ${state.column.name} ${formatValue(state.column, row)}` : "";
  return `row ${row}, ${getFileName(row)}, ${formatTimes(row)}${value}${label ? `, ${label}` : ""}`;
}

function announce(text) {
  document.getElementById("announcement").textContent = text;
}

// --- the panel -----------------------------------------------------------------------------------

function showDetails() {
  const panel = document.getElementById("details");
  const row = state.current;
  document.getElementById("play").disabled = row < 0;
  document.getElementById("play-previous").disabled = row < 0 || stepInFile(row, -1) < 0;
  document.getElementById("play-next").disabled = row < 0 || stepInFile(row, 1) < 0;
  showNeighbors(row);
  if (row < 0) {
    panel.replaceChildren(makeElement("p", { className: "quiet" }, "No point is chosen. Click one, or use the arrow keys in the map."));
    return;
  }
  const pairs = [["row", String(row)], ["file", getFileName(row)], ["time", formatTimes(row)]];
  for (const column of state.columns) {
    if (!["file", "start_s"].includes(column.name) && pairs.length < 40) {
      pairs.push([column.name, formatValue(column, row)]);
    }
  }
  const label = describeLabels(row);
  if (label) pairs.push(["labels", label]);
  const list = makeElement("dl", {}, pairs.flatMap(([name, value]) => [makeElement("dt", {}, name), makeElement("dd", {}, value)]));
  panel.replaceChildren(makeThumbnail(row) || makeThumbnailHint(), ...makeFormatHint(row), list);
}

function makeThumbnailHint() {
  const count = report.thumbnails.count.toLocaleString("en");
  const text = report.output.rowIsWholeFile
    ? `This row has no picture; ${count} rows have one, of the first clip of the file.`
    : `This row has no picture; ${count} rows have one.`;
  return makeElement("p", { className: "quiet" }, text);
}

// Says at the point that a browser cannot play its file.
function makeFormatHint(row) {
  const problem = getFile(row)[2];
  if (!problem) return [];
  const hasSnippet = findSorted(arrays.snippet_rows, row) >= 0;
  const text = hasSnippet
    ? `The sound of this clip is in the page, because ${problem}.`
    : `This clip cannot be played: ${problem}.`;
  return [makeElement("p", { className: hasSnippet ? "quiet" : "warning" }, text)];
}

function showNeighbors(row) {
  const panel = document.getElementById("neighbors");
  if (row < 0) return panel.replaceChildren();
  const rows = [...listNeighbors(row)];
  if (!rows.length) {
    const text = report.neighbors.isLeftOut
      ? "The most similar rows are not in this page, because there are so many rows; make it with --neighbors N."
      : "";
    return panel.replaceChildren(makeElement("p", { className: "quiet" }, text));
  }
  const items = rows.map((other, k) => {
    const similarity = arrays.similarities[row * report.neighbors.count + k];
    const button = makeElement("button", { type: "button", className: "link" }, `${getShortName(other)}, ${formatTimes(other)}`);
    button.addEventListener("click", () => {
      setCurrent(other);
      showRow(other);
      playRow(other);
    });
    return makeElement("li", {}, [button, ` ${similarity.toFixed(3)}`]);
  });
  const select = makeElement("button", { type: "button" }, "Select them");
  select.addEventListener("click", () => selectRows([row, ...rows], false));
  const heading = makeElement("p", { className: "quiet" }, "Most similar rows, by the cosine of all features:");
  return panel.replaceChildren(heading, makeElement("ol", {}, items), select);
}

// --- the text beside the pointer ------------------------------------------------------------------

function showTooltip(placeX, placeY) {
  const tooltip = document.getElementById("tooltip");
  const row = state.hovered;
  tooltip.hidden = row < 0;
  if (row < 0) return;
  if (tooltip.dataset.row !== String(row)) {
    tooltip.dataset.row = row;
    const label = describeLabels(row);
    const lines = [
      makeElement("div", {}, getFileName(row)),
      makeElement("div", {}, formatTimes(row)),
      makeElement("div", { className: "quiet" }, `${state.column.name}: ${formatValue(state.column, row)}`),
    ];
    if (label) lines.push(makeElement("div", {}, label));
    const thumbnail = makeThumbnail(row);
    tooltip.replaceChildren(...lines, ...(thumbnail ? [thumbnail] : []));
  }
  const left = placeX + 14 + tooltip.offsetWidth > view.width ? placeX - 14 - tooltip.offsetWidth : placeX + 14;
  const top = placeY + 14 + tooltip.offsetHeight > view.height ? placeY - 14 - tooltip.offsetHeight : placeY + 14;
  tooltip.style.left = `${Math.max(left, 0)}px`;
  tooltip.style.top = `${Math.max(top, 0)}px`;
}
