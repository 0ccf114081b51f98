"use strict";
// The gallery: sorts, filters and hides what the page shows of the records. Text from data is
// only ever set as text. Of the long table the rows in sight are in the page, and a few more.
(() => {
  const block = document.getElementById("records");
  if (!block) return;
  const { kinds, ids, scores, is, threshold } = JSON.parse(block.textContent);
  const root = document.getElementById("gallery");
  const form = root.querySelector("form");
  const figures = [...root.querySelectorAll("figure[data-k]")];
  const found = root.querySelector("output");
  const scroller = root.querySelector(".scroller");
  const body = scroller.querySelector("tbody");
  const ROW = 32, BEYOND = 8, PRINTED = 40;
  const lowered = ids.map((id) => id.toLowerCase());
  const captions = new Map();
  for (const figure of figures) {
    const caption = figure.querySelector(".caption");
    captions.set(+figure.dataset.k, caption.textContent.toLowerCase());
  }
  let shown = [];

  const orders = {
    falling: (a, b) => a - b, // as the data are sorted
    rising: (a, b) => b - a,
    id: (a, b) => (lowered[a] < lowered[b] ? -1 : lowered[a] > lowered[b] ? 1 : a - b),
  };

  function wanted() {
    const kind = form.elements.kind.value;
    const text = form.elements.text.value.trim().toLowerCase();
    const called = form.elements.called && form.elements.called.checked;
    return (k) =>
      (kind === "" || is[k] === kind) &&
      (!called || scores[k] >= threshold) &&
      (text === "" || lowered[k].includes(text) || (captions.get(k) || "").includes(text));
  }

  function update() {
    const keep = wanted(), order = orders[form.elements.order.value];
    shown = [];
    for (let k = 0; k < ids.length; k += 1) if (keep(k)) shown.push(k);
    if (order !== orders.falling) shown.sort(order);
    found.textContent = `${shown.length.toLocaleString("en")} of ${ids.length.toLocaleString("en")} records`;
    figures.sort((a, b) => order(+a.dataset.k, +b.dataset.k));
    for (const figure of figures) {
      figure.hidden = !keep(+figure.dataset.k);
      figure.parentNode.append(figure);
    }
    for (const part of root.querySelectorAll(".pictured")) {
      part.hidden = !part.querySelector("figure:not([hidden])");
    }
    scroller.scrollTop = 0;
    draw();
  }

  function cell(row, text, name) {
    const made = row.insertCell();
    made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  function line(k) {
    const row = document.createElement("tr");
    const id = cell(row, ids[k], "id");
    id.dir = "auto";
    id.title = ids[k];
    cell(row, String(+scores[k].toPrecision(4)));
    const tag = document.createElement("span");
    tag.textContent = kinds[+is[k]];
    tag.className = is[k] === "1" ? "tag inside" : "tag";
    cell(row, "").append(tag);
    return row;
  }

  function space(rows) {
    const row = document.createElement("tr");
    row.className = "space";
    row.setAttribute("aria-hidden", "true");
    cell(row, "").style.height = `${rows * ROW}px`;
    return row;
  }

  function draw(whole = false) {
    const first = whole ? 0 : Math.max(0, Math.floor(scroller.scrollTop / ROW) - BEYOND);
    const sight = whole ? PRINTED : Math.ceil(scroller.clientHeight / ROW) + 2 * BEYOND;
    const last = Math.min(shown.length, first + sight);
    const rows = shown.slice(first, last).map(line);
    if (first) rows.unshift(space(first));
    if (last < shown.length && !whole) rows.push(space(shown.length - last));
    body.replaceChildren(...rows);
  }

  for (const box of form.querySelectorAll("[data-hides]")) {
    box.addEventListener("change", () => root.classList.toggle(box.dataset.hides, !box.checked));
  }
  let waiting = false;
  scroller.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  });
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  scroller.closest("details").addEventListener("toggle", () => draw());
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw());
  form.hidden = false;
  update();
})();
