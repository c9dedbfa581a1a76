// Tables that screen readers read: the rows of the map, in pages.

const PAGE_ROWS = 25;

// A table that shows a part of a list. `describe(item)` returns the cells of a line.
class PagedTable {
  constructor(tableId, pagesId, headings, describe) {
    this.table = document.getElementById(tableId);
    this.pages = document.getElementById(pagesId);
    this.headings = headings;
    this.describe = describe;
    this.items = [];
    this.caption = "";
    this.first = 0;
  }

  setItems(items, caption) {
    this.items = items;
    this.caption = caption;
    this.first = Math.min(this.first, Math.max(0, Math.floor((items.length - 1) / PAGE_ROWS) * PAGE_ROWS));
    this.show();
  }

  // Turns to the page that has an item.
  turnTo(item) {
    const place = this.items.indexOf(item);
    if (place >= 0) this.first = Math.floor(place / PAGE_ROWS) * PAGE_ROWS;
    this.show();
  }

  show() {
    const headings = makeElement("tr", {}, this.headings.map((text) => makeElement("th", { scope: "col" }, text)));
    const lines = Array.from(this.items.slice(this.first, this.first + PAGE_ROWS), this.describe);
    this.table.replaceChildren(
      makeElement("caption", {}, this.caption), makeElement("thead", {}, headings), makeElement("tbody", {}, lines),
    );
    this.showPages();
  }

  showPages() {
    const last = Math.min(this.first + PAGE_ROWS, this.items.length);
    const text = this.items.length ? `${(this.first + 1).toLocaleString("en")} to ${last.toLocaleString("en")}` : "";
    const buttons = [["First", -Infinity], ["Previous", -PAGE_ROWS], ["Next", PAGE_ROWS], ["Last", Infinity]].map(
      ([name, step]) => {
        const button = makeElement("button", { type: "button" }, name);
        button.disabled = step < 0 ? this.first === 0 : last >= this.items.length;
        button.addEventListener("click", () => this.turn(step, name));
        return button;
      },
    );
    this.pages.replaceChildren(...(this.items.length > PAGE_ROWS ? [...buttons, text] : []));
  }

  turn(step, name) {
    const lastPage = Math.floor((this.items.length - 1) / PAGE_ROWS) * PAGE_ROWS;
    this.first = Math.max(0, Math.min(lastPage, this.first + step));
    this.show();
    // The buttons are new elements; the keyboard stays at the same button.
    [...this.pages.querySelectorAll("button")].find((button) => button.textContent === name)?.focus();
  }
}

let rowTable = null;

function startRowTable() {
  rowTable = new PagedTable("row-table", "row-pages", [], describeTableRow);
  for (const name of ["selection", "filters"]) {
    listen(name, () => {
      rowTable.first = 0;
      showRowTable();
    });
  }
  listen("column", showRowTable);
  listen("labels", () => rowTable.show());
  listen("current", () => rowTable.turnTo(state.current));
  showRowTable();
}

// The table has the selected rows, or all rows that the filters show if none is selected.
function showRowTable() {
  const isSelection = state.selectedCount > 0;
  const mask = isSelection ? state.selected : state.visible;
  const rows = new Uint32Array(isSelection ? state.selectedCount : state.visibleCount);
  let place = 0;
  for (let row = 0; row < state.rowCount; row++) if (mask[row]) rows[place++] = row;
  rowTable.headings = ["Row", "File", "Start (s)", "End (s)", state.column.name, "Labels", "Play"];
  rowTable.setItems(rows, `${formatCount(rows.length, isSelection ? "selected row" : "row")}`);
  document.getElementById("selection-state").textContent = isSelection
    ? `${formatCount(state.selectedCount, "point")} selected`
    : "No point is selected.";
}

function describeTableRow(row) {
  const choose = makeElement("button", { type: "button", className: "link" }, getFileName(row));
  choose.addEventListener("click", () => goToRow(row));
  const play = makeElement("button", { type: "button" }, "Play");
  play.setAttribute("aria-label", `Play row ${row}`);
  play.addEventListener("click", () => {
    goToRow(row);
    playRow(row);
  });
  const times = [arrays.start_s[row], arrays.end_s[row]].map(formatSeconds);
  const line = makeElement("tr", {}, [
    makeElement("td", { className: "number" }, String(row)),
    makeElement("td", {}, choose),
    ...times.map((time) => makeElement("td", { className: "number" }, time)),
    makeElement("td", {}, formatValue(state.column, row)),
    makeElement("td", {}, describeLabels(row)),
    makeElement("td", {}, play),
  ]);
  if (row === state.current) line.setAttribute("aria-current", "true");
  return line;
}
