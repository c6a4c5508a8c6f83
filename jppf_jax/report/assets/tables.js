"use strict";
// Tables that a heading sorts, and charts that a choice shows.

for (const table of document.querySelectorAll("table.sortable")) {
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => sortBy(table, button));
  }
}

function sortBy(table, button) {
  const heading = button.parentElement;
  const ascending = heading.getAttribute("aria-sort") === "descending";
  for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const valueOf = (row) => row.cells[heading.cellIndex].dataset.value;
  const body = table.tBodies[0];
  const sorted = [...body.rows].sort((a, b) => compared(valueOf(a), valueOf(b)));
  body.append(...(ascending ? sorted : sorted.reverse()));
}

function compared(a, b) {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? b.localeCompare(a) : difference;
}

for (const select of document.querySelectorAll("select[data-switch]")) {
  const name = select.dataset.switch;
  const show = () => {
    for (const group of document.querySelectorAll(`[data-${name}]`)) {
      group.hidden = group.dataset[name] !== select.value;
    }
  };
  select.addEventListener("change", show);
  show(); // a browser may have kept an earlier choice
}
