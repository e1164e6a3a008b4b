"use strict";
// Filters, sorts and divides the table into pages. Without it, the whole table is visible.
(() => {
  const perPage = 250;
  const by = (id) => document.getElementById(id);
  const table = by("pairs"), body = table.tBodies[0];
  const find = by("find"), outcome = by("outcome"), status = by("status"), back = by("back"), on = by("on");
  const rows = Array.from(body.rows, (tr) => ({
    tr, text: tr.textContent.toLowerCase(), outcome: tr.dataset.o, cause: tr.dataset.g, left: tr.className === "left",
  }));
  const number = (i) => i.toLocaleString("en");
  const only = by("only"), printed = by("printed");
  let shown = rows, sorted = rows, first = 0, cause = null;

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
    only.textContent = cause ? `of the cause ${cause.title}` : "";
    const wanted = (r) => want === "" || (want === "left" ? r.left : r.outcome === want);
    const matches = (r) => (!cause || r.cause === cause.g) && wanted(r) && words.every((w) => r.text.includes(w));
    shown = sorted.filter(matches);
    first = 0;
    draw();
  };

  const key = (tr, column, numeric) => {
    const text = tr.cells[column].textContent.trim();
    if (numeric) return Number(text) || 0;
    if (heads[column].textContent.trim() !== "Row") return text.toLowerCase();
    return text.replace(/:\d+/g, (n) => "\n" + n.slice(1).padStart(12, "0")); // of a list the line, and the column
  };
  const heads = Array.from(table.tHead.rows[0].cells), buttons = [];
  heads.forEach((th, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent.trim();
    th.replaceChildren(button);
    buttons.push(button);
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
      for (const other of heads) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numeric = th.classList.contains("num");
      const keyed = rows.map((r) => [key(r.tr, column, numeric), r]);
      keyed.sort((a, b) => (a[0] < b[0] ? -sign : a[0] > b[0] ? sign : 0));
      sorted = keyed.map((k) => k[1]);
      filter();
    });
  });

  const choose = () => { cause = null; filter(); };
  find.addEventListener("input", choose);
  outcome.addEventListener("change", choose);
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
      cause = button.dataset;
      filter();
      by("pairs-title").focus();
      by("pairs-title").scrollIntoView();
    });
  }
  // Paper gets every row that passes the filter. If there are many, the style hides those that are done.
  // Chromium repeats a table's head on each sheet only if there is no button in it.
  const filters = () => {
    const said = [];
    if (outcome.value !== "") said.push(outcome.selectedOptions[0].textContent);
    if (only.textContent !== "") said.push(only.textContent);
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
