// The summary of the run, and the files that failed or that are conspicuous.

function showSummary() {
  const { rows, width, sounds, audioSeconds, config, version, started } = report.output;
  const parts = [
    `${formatCount(rows, "row")} x ${formatCount(width, "feature")}`,
    `${formatCount(sounds, "sound")}, ${formatDuration(audioSeconds)}`,
    `config ${config}`,
    `specfeat ${version}`,
    started.slice(0, 16).replace("T", " "),
  ];
  document.getElementById("facts").textContent = parts.join(" · ");
  const shares = report.shares.map((share) => `${(100 * share).toFixed(1)} %`);
  const lost = report.rowsWithoutPlace ? ` ${formatCount(report.rowsWithoutPlace, "row")} with values that are not finite have no point.` : "";
  document.getElementById("map-axes").textContent =
    `The axes are the first two principal components: ${shares.join(" and ")} of the variance.${lost}`;
}

function formatDuration(seconds) {
  if (seconds < 120) return `${formatSeconds(seconds)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function showProblems() {
  const { counts, tooLoud, problems, skippedFiles } = report.output;
  const named = [
    [counts.failed, "failed"], [counts.partial, "partial"], [counts.empty, "empty"], [counts.short, "shorter than a clip"],
    [counts.silent, "silent"], [tooLoud, "too loud"],
  ];
  const found = named.filter(([count]) => count).map(([count, word]) => `${count.toLocaleString("en")} ${word}`);
  const skipped = skippedFiles ? ` ${formatCount(skippedFiles, "file")} in the folders skipped.` : "";
  document.getElementById("problem-facts").textContent = `${found.join(", ") || "No file has a problem"}.${skipped}`;
  const unplayable = report.files.filter(([, , problem]) => problem);
  const items = [
    ...problems,
    ...unplayable.map(([path, , problem]) => [path, "cannot be played here", problem, null, null]),
  ];
  const table = new PagedTable("problem-table", "problem-pages", ["File", "Problem", "Reason", "At (s)", "Rows"], describeProblem);
  table.setItems(items, formatCount(items.length, "file"));
  document.getElementById("problem-table").parentElement.hidden = !items.length;
}

function describeProblem([path, problem, reason, seconds, rows]) {
  const file = report.files.findIndex(([name]) => name === path);
  const first = rows === 0 ? -1 : arrays.file.indexOf(file);
  const name = first < 0 ? path : makeElement("button", { type: "button", className: "link" }, path);
  if (first >= 0) name.addEventListener("click", () => goToRow(first));
  return makeElement("tr", {}, [
    makeElement("td", {}, name),
    makeElement("td", {}, problem),
    makeElement("td", {}, reason),
    makeElement("td", { className: "number" }, seconds === null ? "" : formatSeconds(seconds)),
    makeElement("td", { className: "number" }, rows === null ? "" : rows.toLocaleString("en")),
  ]);
}
