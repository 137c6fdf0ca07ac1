// Sort the tables of the league page by the column whose header is clicked, or chosen by keyboard.
"use strict";

const MISSING = "–"; // always last

/** The number that a text begins with; NaN if it begins with none. */
function numberIn(text) {
  return parseFloat(text.replaceAll(",", "").replaceAll("−", "-"));
}

/** Sort a table's rows by a column, and tell screen readers so. */
function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map(row => ({ row, text: row.cells[column].textContent.trim() }));
  const known = rows.filter(({ text }) => text !== MISSING);
  const sign = direction === "ascending" ? 1 : -1;
  const language = document.documentElement.lang;
  const order = isNumeric(table, column)
    ? (a, b) => numberIn(a.text) - numberIn(b.text)
    : (a, b) => a.text.localeCompare(b.text, language);
  known.sort((a, b) => sign * order(a, b));
  body.append(...[...known, ...rows.filter(({ text }) => text === MISSING)].map(({ row }) => row));
  mark(table, column, direction);
}

function isNumeric(table, column) {
  const texts = [...table.tBodies[0].rows].map(row => row.cells[column].textContent.trim());
  return texts.every(text => text === MISSING || !Number.isNaN(numberIn(text)));
}

function mark(table, column, direction) {
  const headers = table.tHead.rows[0].cells;
  for (const header of headers) header.removeAttribute("aria-sort");
  headers[column].setAttribute("aria-sort", direction);
}

for (const table of document.querySelectorAll(".league table")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent.trim();
    button.addEventListener("click", () => {
      const first = isNumeric(table, column) ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      sortBy(table, column, header.getAttribute("aria-sort") === first ? other : first);
    });
    header.replaceChildren(button);
  });
  mark(table, 1, "descending"); // as the site's build sorts them: by score
}
