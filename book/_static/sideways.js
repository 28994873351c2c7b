// Say of each table that is wider than the page that it scrolls sideways, while it is so.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const boxes = [...document.querySelectorAll("div.cell_output div.output")].filter((box) => box.querySelector("table"));
  const tell = () => {
    for (const box of boxes) box.classList.toggle("kdlib-sideways", box.scrollWidth > box.clientWidth + 1);
  };
  tell();
  addEventListener("load", tell);
  addEventListener("resize", tell);
});
