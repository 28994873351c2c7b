// One switch shows or hides all code of a page. Without JavaScript each cell keeps its own bar.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const cells = [...document.querySelectorAll("div.cell details.hide.above-input")];
  const title = document.querySelector(".bd-article h1");
  if (!cells.length || !title) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "kdlib-code";
  let open = false;
  const show = (shown) => {
    open = shown;
    document.documentElement.classList.toggle("kdlib-no-code", !shown);
    for (const cell of cells) cell.open = shown;
    button.textContent = shown ? "Hide all code" : "Show all code";
  };
  button.addEventListener("click", () => show(!open));
  show(false);
  title.after(button);
});
