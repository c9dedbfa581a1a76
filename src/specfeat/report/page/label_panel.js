// The panel for labels: their name, the buttons, undo, export and import.

const labelNameField = document.getElementById("label-name");

const getLabelName = () => labelNameField.value.trim() || "label";

function startLabelPanel() {
  labelNameField.value = [...labels.byName.keys()][0] || "label";
  const buttons = [...KINDS.map((kind, k) => [kind, `${k + 1}`, kind]), ["remove", "0", undefined]];
  document.getElementById("label-buttons").append(
    ...buttons.map(([text, key, kind]) => {
      const button = makeElement("button", { type: "button" }, [`${text} `, makeElement("kbd", {}, key)]);
      button.dataset.kind = kind ?? "";
      button.addEventListener("click", () => labelByKey(kind));
      return button;
    }),
  );
  labelNameField.addEventListener("input", () => notify("labels"));
  document.getElementById("undo").addEventListener("click", () => tellUndone(undoLabels(), "taken back"));
  document.getElementById("redo").addEventListener("click", () => tellUndone(redoLabels(), "given again"));
  document.getElementById("export-csv").addEventListener("click", exportCsv);
  document.getElementById("export-raven").addEventListener("click", exportRaven);
  document.getElementById("export-audacity").addEventListener("click", exportAudacity);
  const field = document.getElementById("import-file");
  document.getElementById("import").addEventListener("click", () => field.click());
  field.addEventListener("change", () => importFiles([...field.files]).then(() => (field.value = "")));
  listen("labels", showLabels);
  listen("current", showLabels);
  showLabels();
}

// Labels the current point, or all selected points if the user has chosen so.
function labelByKey(kind) {
  const isSelection = document.getElementById("label-selection").checked;
  const rows = isSelection ? listSelected() : state.current >= 0 ? [state.current] : [];
  if (!rows.length) {
    showLabelMessage(isSelection ? "No point is selected." : "No point is chosen.");
    return;
  }
  const count = labelRows(getLabelName(), rows, kind);
  showLabelMessage(`${kind ?? "label removed"}: ${formatCount(count, "point")} changed`);
}

function tellUndone(count, word) {
  showLabelMessage(count ? `${formatCount(count, "label")} ${word}` : "There is nothing to undo or redo.");
}

async function importFiles(files) {
  const texts = [];
  for (const file of files) {
    try {
      const { changed, lines, unmatched } = await importLabels(file);
      const rest = unmatched ? `; ${formatCount(unmatched, "line")} fit no row` : "";
      texts.push(`${file.name}: ${formatCount(lines, "line")}, ${formatCount(changed, "label")} changed${rest}.`);
    } catch (error) {
      texts.push(error.message);
    }
  }
  showLabelMessage(texts.join(" "));
}

function showLabelMessage(text) {
  document.getElementById("label-message").textContent = text;
}

function showLabels() {
  const names = [...labels.byName.keys()];
  document.getElementById("label-names").replaceChildren(...names.map((name) => makeElement("option", { value: name })));
  const rows = labels.byName.get(getLabelName()) || new Map();
  const kinds = [...rows.values()];
  const counts = KINDS.map((kind) => `${kinds.filter((one) => one === kind).length.toLocaleString("en")} ${kind}`);
  const kept = labels.isKept ? "" : " This browser does not keep the labels: export them before you close the page.";
  document.getElementById("label-counts").textContent = `${getLabelName()}: ${counts.join(", ")}.${kept}`;
  for (const button of document.querySelectorAll("#label-buttons button")) {
    const isChosen = button.dataset.kind !== "" && rows.get(state.current) === button.dataset.kind;
    button.classList.toggle("chosen", isChosen);
    button.setAttribute("aria-pressed", String(isChosen));
  }
  document.getElementById("undo").disabled = !labels.done.length;
  document.getElementById("redo").disabled = !labels.undone.length;
  for (const id of ["export-csv", "export-raven", "export-audacity"]) document.getElementById(id).disabled = !names.length;
  planDrawing(false);
}
