// The legend of the column by which points are coloured. It also filters: hidden categories have no points.

const MAX_LEGEND_LINES = 200;

function startLegend() {
  const select = document.getElementById("color-column");
  select.append(...state.columns.map((column, k) => makeElement("option", { value: k }, column.name)));
  select.addEventListener("change", () => setColumn(state.columns[Number(select.value)]));
  const search = document.getElementById("legend-search");
  search.addEventListener("input", showLegend);
  document.getElementById("show-all-categories").addEventListener("click", () => setFilter(state.column, null));
  document.getElementById("show-no-categories").addEventListener("click", () => {
    setFilter(state.column, { hidden: new Set(state.column.categories.keys()) });
  });
  document.getElementById("reset-filters").addEventListener("click", () => {
    state.filters.clear();
    applyFilters();
  });
  listen("column", () => {
    select.value = state.columns.indexOf(state.column);
    search.value = "";
    colorRows();
    showLegend();
    planDrawing(true);
  });
  listen("filters", () => {
    showLegend();
    showFilterState();
    planDrawing(true);
  });
}

function showFilterState() {
  const names = [...state.filters.keys()].join(", ");
  const counts = `${state.visibleCount.toLocaleString("en")} of ${formatCount(state.rowCount, "point")} shown`;
  document.getElementById("filter-state").textContent = names ? `${counts}; filtered by ${names}` : counts;
  document.getElementById("reset-filters").disabled = !state.filters.size;
}

function showLegend() {
  const legend = document.getElementById("legend");
  const { categories } = state.column;
  document.getElementById("show-no-categories").disabled = !categories;
  document.getElementById("legend-search").hidden = !categories || categories.length <= 12;
  if (categories) {
    const hasFocus = document.activeElement?.dataset.category;
    legend.replaceChildren(...listCategoryLines());
    // The lines are new elements; the keyboard stays at the same category.
    if (hasFocus) legend.querySelector(`input[data-category="${Number(hasFocus)}"]`)?.focus();
  } else legend.replaceChildren(...listScaleParts());
}

// --- categories ----------------------------------------------------------------------------------

function listCategoryLines() {
  const wanted = document.getElementById("legend-search").value.toLowerCase();
  const { categories } = state.column;
  const found = categoryOrder.filter((category) => categories[category].toLowerCase().includes(wanted));
  const lines = found.slice(0, MAX_LEGEND_LINES).map(makeCategoryLine);
  if (found.length > MAX_LEGEND_LINES) {
    const more = formatCount(found.length - MAX_LEGEND_LINES, "more value");
    lines.push(makeElement("p", { className: "quiet" }, `${more}; search to find them.`));
  }
  return lines;
}

function makeCategoryLine(category) {
  const name = state.column.categories[category] || "(empty)";
  const hidden = state.filters.get(state.column.name)?.hidden;
  const box = makeElement("input", { type: "checkbox", checked: !hidden?.has(category) });
  box.dataset.category = category;
  box.addEventListener("change", () => toggleCategory(category, box.checked));
  const swatch = makeElement("span", { className: "swatch" });
  swatch.style.background = formatColor(getCategoryColor(category));
  const count = makeElement("span", { className: "count" }, categoryCounts[category].toLocaleString("en"));
  const label = makeElement("label", {}, [box, swatch, makeElement("span", {}, name), count]);
  label.title = "Double-click to show only this one";
  label.addEventListener("dblclick", (event) => {
    event.preventDefault();
    const others = [...state.column.categories.keys()].filter((other) => other !== category);
    setFilter(state.column, { hidden: new Set(others) });
  });
  return label;
}

function toggleCategory(category, isShown) {
  const hidden = new Set(state.filters.get(state.column.name)?.hidden);
  if (isShown) hidden.delete(category);
  else hidden.add(category);
  setFilter(state.column, hidden.size ? { hidden } : null);
}

// --- numbers -------------------------------------------------------------------------------------

function listScaleParts() {
  const [low, high] = numberRange;
  const scale = makeElement("canvas", { width: 256, height: 1 });
  scale.setAttribute("aria-hidden", "true");
  const context = scale.getContext("2d");
  for (let k = 0; k < 256; k++) {
    context.fillStyle = formatColor(getNumberColor(k / 255));
    context.fillRect(k, 0, 1, 1);
  }
  const filter = state.filters.get(state.column.name);
  const fields = [["from", filter?.low ?? low], ["to", filter?.high ?? high]].map(([name, value]) => {
    const field = makeElement("input", { type: "number", step: "any", value: String(value) });
    return [field, makeElement("label", {}, [`${name} `, field])];
  });
  for (const [field] of fields) {
    field.addEventListener("change", () => {
      const [from, to] = fields.map(([one]) => Number(one.value));
      const isWhole = from <= low && to >= high;
      setFilter(state.column, isWhole ? null : { low: from, high: to });
    });
  }
  const range = makeElement("p", { className: "quiet" }, `${formatNumber(low)} to ${formatNumber(high)}`);
  return [scale, range, makeElement("p", {}, "Show only rows"), ...fields.map(([, label]) => label)];
}
