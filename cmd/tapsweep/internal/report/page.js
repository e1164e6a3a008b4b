"use strict";
// Filters and sorts the table, and divides it into pages. Without it, the whole table is visible.
(() => {
  const perPage = 250;
  const by = (id) => document.getElementById(id);
  const table = by("pairs"), body = table.tBodies[0];
  const find = by("find"), outcome = by("outcome"), status = by("status"), back = by("back"), on = by("on");
  const rows = Array.from(body.rows, (tr) => ({
    tr, text: tr.textContent.toLowerCase(), outcome: tr.dataset.o, left: tr.className === "left",
  }));
  const number = (i) => i.toLocaleString("en");
  const printed = by("printed");
  let shown = rows, first = 0;

  const draw = () => {
    body.replaceChildren(...shown.slice(first, first + perPage).map((r) => r.tr));
    const last = Math.min(first + perPage, shown.length);
    back.disabled = first === 0;
    on.disabled = last === shown.length;
    const all = number(rows.length), range = `${number(first + 1)} to ${number(last)}`;
    status.textContent = shown.length === 0 ? `none of ${all} rows` : `rows ${range} of ${number(shown.length)}`;
    if (shown.length > 0 && shown.length < rows.length) status.textContent += `, out of ${all}`;
  };
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean), want = outcome.value;
    const wanted = (r) => want === "" || (want === "left" ? r.left : r.outcome === want);
    const matches = (r) => wanted(r) && words.every((w) => r.text.includes(w));
    shown = rows.filter(matches);
    first = 0;
    draw();
  };

  // Numbers in a value are compared as numbers, such as the line and the column of a row.
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const heads = Array.from(table.tHead.rows[0].cells);
  const buttons = heads.map((th, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent.trim();
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = th.ariaSort === "ascending", sign = down ? -1 : 1;
      for (const other of heads) other.ariaSort = null;
      th.ariaSort = down ? "descending" : "ascending";
      for (const r of rows) r.key = r.tr.cells[column].textContent.trim();
      rows.sort((a, b) => sign * compare(a.key, b.key));
      filter();
    });
    return button;
  });

  find.addEventListener("input", filter);
  outcome.addEventListener("change", filter);
  // At the last page the button is disabled and loses the focus; the other one takes it.
  const turn = (by, button, other) => button.addEventListener("click", () => {
    first = Math.max(first + by, 0);
    draw();
    if (button.disabled) other.focus();
  });
  turn(-perPage, back, on);
  turn(perPage, on, back);
  by("controls").addEventListener("submit", (e) => e.preventDefault());
  for (const button of document.querySelectorAll("button.only")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      outcome.value = button.dataset.outcome;
      find.value = "";
      filter();
      by("pairs-title").focus();
      by("pairs-title").scrollIntoView();
    });
  }
  // Paper gets every row that passes the filter. If there are many, the style hides those that are done.
  // Chromium repeats the head of a table on each sheet only if it has no button.
  const filters = () => {
    const said = [];
    if (outcome.value !== "") said.push(outcome.selectedOptions[0].textContent);
    if (find.value.trim() !== "") said.push(`with “${find.value.trim()}”`);
    return said.join(", ");
  };
  addEventListener("beforeprint", () => {
    printed.hidden = filters() === "";
    printed.textContent = `Filtered: ${number(shown.length)} of ${number(rows.length)} rows, ${filters()}.`;
    heads.forEach((th, i) => { th.textContent = buttons[i].textContent; });
    body.replaceChildren(...shown.map((r) => r.tr));
    document.documentElement.classList.toggle("few", shown.length <= 500);
  });
  addEventListener("afterprint", () => {
    printed.hidden = true;
    heads.forEach((th, i) => { th.replaceChildren(buttons[i]); });
    draw();
  });
  by("controls").hidden = false;
  draw();
  table.classList.add("ready");
})();
