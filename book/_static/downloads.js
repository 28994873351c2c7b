// Offer every table as CSV and every chart as SVG, made from what the page shows: no server.
// And name the cells of tables of sentences, which stand one below the other on a phone.
"use strict";

function link(text, name, href) {
  const a = document.createElement("a");
  a.className = "download-link";
  a.textContent = text;
  a.download = name;
  a.href = href;
  return a;
}

function csv(table) {
  // A program reads the minus sign of a keyboard, not that of printers.
  const text = (cell) => cell.textContent.trim().replace(/−(?=\d)/g, "-").replace(/\u00a0/g, " ");
  const quote = (cell) => `"${text(cell).replaceAll('"', '""')}"`;
  const lines = [...table.rows].map((row) => [...row.cells].map(quote).join(","));
  return `data:text/csv;charset=utf-8,${encodeURIComponent("\ufeff" + lines.join("\r\n"))}`;
}

document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("div.cell_output table[data-name]")) {
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, i) => { cell.dataset.label = table.tHead.rows[0].cells[i].textContent; });
    }
    table.after(link("CSV", `${table.dataset.name}.csv`, csv(table)));
  }
  for (const image of document.querySelectorAll("div.cell_output img[src$='.svg']")) {
    const figure = image.closest("figure");
    image.after(link("SVG", `${(figure && figure.id) || "figure"}.svg`, image.src));
  }
});
