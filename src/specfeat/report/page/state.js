// What the user has chosen: the current point, the selection and the filters. Other modules listen to changes.

const changes = new EventTarget();
const listen = (name, action) => changes.addEventListener(name, action);
const notify = (name) => changes.dispatchEvent(new Event(name));

const state = {
  rowCount: 0,
  columns: [], // { name, categories, values }
  column: null, // the column by which points are coloured
  current: -1, // the row of the current point
  hovered: -1,
  selected: new Uint8Array(0), // 1 for each selected row
  selectedCount: 0,
  visible: new Uint8Array(0), // 0 for each row that a filter hides
  visibleCount: 0,
  filters: new Map(), // by the name of a column: { hidden: Set of categories } or { low, high }
};

function startState() {
  const count = report.output.rows;
  state.rowCount = count;
  state.columns = report.columns.map(({ name, categories }, k) => ({ name, categories, values: arrays[`column${k}`] }));
  state.column = state.columns[0];
  state.selected = new Uint8Array(count);
  state.visible = new Uint8Array(count).fill(1);
  state.visibleCount = count;
}

function setCurrent(row) {
  if (row < 0 || row >= state.rowCount) return;
  state.current = row;
  notify("current");
}

function setHovered(row) {
  if (row === state.hovered) return;
  state.hovered = row;
  notify("hovered");
}

// --- selection -----------------------------------------------------------------------------------

// Selects rows. Rows that were selected before stay selected if `isAdded`.
function selectRows(rows, isAdded) {
  if (!isAdded) state.selected.fill(0);
  for (const row of rows) state.selected[row] = 1;
  countSelected();
}

function toggleSelected(row) {
  state.selected[row] ^= 1;
  countSelected();
}

function countSelected() {
  let count = 0;
  for (let row = 0; row < state.rowCount; row++) count += state.selected[row];
  state.selectedCount = count;
  notify("selection");
}

function listSelected() {
  const rows = [];
  for (let row = 0; row < state.rowCount; row++) if (state.selected[row]) rows.push(row);
  return rows;
}

// --- filters -------------------------------------------------------------------------------------

function setFilter(column, filter) {
  if (filter) state.filters.set(column.name, filter);
  else state.filters.delete(column.name);
  applyFilters();
}

function applyFilters() {
  state.visible.fill(1);
  for (const [name, filter] of state.filters) {
    const column = state.columns.find((one) => one.name === name);
    if (column) hideRows(column, filter);
  }
  let count = 0;
  for (let row = 0; row < state.rowCount; row++) count += state.visible[row];
  state.visibleCount = count;
  notify("filters");
}

function hideRows({ values }, filter) {
  for (let row = 0; row < state.rowCount; row++) {
    const value = values[row];
    const isHidden = filter.hidden ? filter.hidden.has(value) : !(value >= filter.low && value <= filter.high);
    if (isHidden) state.visible[row] = 0;
  }
}

function setColumn(column) {
  state.column = column;
  notify("column");
}
