// On a phone a long table is folded: a button shows the rest. Paper and pages without JavaScript
// show all of it.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const phone = matchMedia("(max-width: 700px)");
  const folds = [...document.querySelectorAll("div.cell_output div.output:has(table)")].map((box) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "kdlib-unfold";
    const show = (open) => {
      box.classList.toggle("kdlib-folded", !open);
      button.textContent = open ? "Show less of this table" : "Show the whole table";
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      show(open);
      if (!open) box.scrollIntoView({ block: "nearest" });
    });
    const fit = () => {
      box.classList.remove("kdlib-folded");
      button.remove();
      if (!phone.matches || box.scrollHeight < 1.5 * innerHeight) return;
      box.after(button);
      show(false);
    };
    return { box, show, fit };
  });
  // A link leads to a row: the table that has it opens.
  const arrive = () => {
    const row = location.hash.includes("=") ? null : document.getElementById(location.hash.slice(1));
    const fold = row && folds.find(({ box }) => box.contains(row));
    if (!fold || !fold.box.classList.contains("kdlib-folded")) return;
    fold.show(true);
    row.scrollIntoView();
  };
  const fitAll = () => {
    for (const { fit } of folds) fit();
    arrive();
  };
  fitAll();
  phone.addEventListener("change", fitAll);
  addEventListener("hashchange", arrive);
});
