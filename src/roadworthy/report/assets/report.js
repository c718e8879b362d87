"use strict";
// Draws the charts of the page from the JSON block "figures" as they come into view, filters and sorts
// tables, and hands out data as CSV. No network, no eval: Vega's expressions run in its interpreter, so
// the content security policy can forbid both.
(function () {
  const block = document.getElementById("figures");
  const specs = block ? JSON.parse(block.textContent) : [];
  const drawn = new Set();

  // Long names beside a chart and in its legend take what room the page has.
  function limits(spec, width) {
    const named = spec.layer.some((l) => l.encoding && l.encoding.y && l.encoding.y.type === "nominal");
    const beside = Math.max(90, Math.min(300, Math.round(width * 0.4)));
    spec.config.axisY.labelLimit = beside;
    const room = width - (named ? beside : 40) - 80; // the menu, the symbols
    const letters = Math.min(60, Math.max(16, Math.floor(room / 6)));
    const longest = Math.min(letters, spec.usermeta.longest || letters);
    spec.config.legend.columns = Math.max(1, Math.floor(room / (7 * longest + 30)));
    spec.config.legend.labelLimit = 0;
    spec.layer.forEach(function (l) {
      const legend = l.encoding && l.encoding.color && l.encoding.color.legend;
      // names of models differ at their ends
      if (legend) legend.labelExpr = "truncate(datum.label, " + letters + ", 'center', '…')";
    });
  }

  function draw(place) {
    const number = Number(place.id.slice("figure-".length));
    if (drawn.has(number) || !specs[number] || !place.clientWidth) return;
    drawn.add(number);
    const spec = specs[number];
    limits(spec, place.clientWidth);
    return vegaEmbed(place, spec, {
      mode: "vega-lite",
      renderer: "svg",
      ast: true,
      actions: { export: true, source: false, compiled: false, editor: false },
    })
      .then(function () {
        place.dataset.drawn = "true";
      })
      .catch(function (error) {
        place.textContent = "This chart could not be drawn: " + error.message;
      });
  }

  const places = Array.from(document.querySelectorAll(".chart"));
  const drawAll = () => Promise.all(places.map(draw));
  if ("IntersectionObserver" in window) {
    const watcher = new IntersectionObserver(
      function (entries) {
        entries.filter((e) => e.isIntersecting).forEach(function (e) {
          watcher.unobserve(e.target);
          draw(e.target);
        });
      },
      { rootMargin: "800px 0px" },
    );
    places.forEach((place) => watcher.observe(place));
  } else {
    drawAll();
  }
  // Paper cannot be clicked: what is folded is printed, charts as far as they are drawn.
  const opened = [];
  window.addEventListener("beforeprint", function () {
    drawAll();
    document.querySelectorAll("details.fold:not([open])").forEach(function (fold) {
      if (fold.querySelector(".chart:not([data-drawn])")) return;
      fold.open = true;
      opened.push(fold);
    });
  });
  window.addEventListener("afterprint", function () {
    opened.splice(0).forEach(function (fold) {
      fold.open = false;
    });
  });

  // What is not in view is drawn while there is nothing else to do, so that it is there in print.
  const idle = window.requestIdleCallback || ((f) => setTimeout(f, 50));
  (function rest() {
    const next = places.find(
      (place) => place.clientWidth && !drawn.has(Number(place.id.slice("figure-".length))),
    );
    if (next) idle(() => Promise.resolve(draw(next)).then(rest), { timeout: 2000 });
  })();

  document.querySelectorAll("details.fold").forEach((fold) =>
    fold.addEventListener("toggle", () => fold.querySelectorAll(".chart").forEach(draw)),
  );

  // Data as CSV ------------------------------------------------------------------------------------
  function quoted(value) {
    const text = value === null || value === undefined ? "" : String(value);
    // what begins like a formula would be run by a spreadsheet; numbers may begin with a minus
    const harmless = /^[=+\-@\t\r]/.test(text) && isNaN(Number(text)) ? "'" + text : text;
    return /[",\n\r]/.test(harmless) ? '"' + harmless.replace(/"/g, '""') + '"' : harmless;
  }

  function save(rows, name) {
    const text = rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function named(element) {
    const section = element.closest("section");
    const title = element.closest("figure");
    const words = (title ? title.querySelector("h3").textContent : section.id + " table").toLowerCase();
    return words.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) + ".csv";
  }

  function points(number) {
    const found = specs[number].datasets.points;
    const names = ["label", "series", "x", "value", "low", "high", "n"].filter((name) =>
      found.some((p) => p[name] !== null && p[name] !== undefined && p[name] !== ""),
    );
    return [names].concat(found.map((p) => names.map((name) => p[name])));
  }

  function cells(table) {
    return Array.from(table.rows)
      .filter((row) => !row.classList.contains("axis"))
      .map((row) =>
        Array.from(row.cells).map(function (cell) {
          const small = cell.querySelector("small");
          const text = cell.textContent.trim();
          return small ? text.slice(0, text.length - small.textContent.length) + " " + small.textContent : text;
        }),
      );
  }

  document.querySelectorAll("[data-csv]").forEach((button) =>
    button.addEventListener("click", () => save(points(Number(button.dataset.csv)), named(button))),
  );
  document.querySelectorAll("[data-csv-of]").forEach((button) =>
    button.addEventListener("click", () =>
      save(cells(document.getElementById(button.dataset.csvOf)), named(button)),
    ),
  );

  // The data of a chart as a table, made when somebody looks.
  document.querySelectorAll("details.made").forEach((details) =>
    details.addEventListener("toggle", function () {
      const place = details.querySelector(".data");
      if (!details.open || !place || place.firstChild) return;
      const table = document.createElement("table");
      points(Number(place.dataset.of)).forEach(function (row, i) {
        const line = (i ? table.tBodies[0] || table.createTBody() : table.createTHead()).insertRow();
        row.forEach(function (value, j) {
          const cell = document.createElement(i && j ? "td" : "th");
          if (cell.tagName === "TH") cell.scope = i ? "row" : "col";
          if (typeof value === "number") cell.className = "num";
          const short = typeof value === "number" ? Number(value.toPrecision(6)) : value;
          cell.textContent = short === null || short === undefined ? "" : String(short);
          line.appendChild(cell);
        });
      });
      place.appendChild(table);
    }),
  );

  // Filters ----------------------------------------------------------------------------------------
  const model = document.getElementById("model");

  function show() {
    const wanted = model ? model.value : "";
    document.querySelectorAll("[data-about]").forEach(function (one) {
      one.hidden = Boolean(wanted) && one.dataset.about !== wanted;
    });
    document.querySelectorAll("input[data-filter]").forEach(function (input) {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = Array.from(document.querySelectorAll("#" + input.dataset.filter + " tbody tr:not(.axis)"));
      let above = ""; // a nested line is found by the words of the line that it belongs to, too
      rows.forEach(function (row) {
        const own = row.textContent.toLowerCase();
        const nested = row.cells[0].classList.contains("nested");
        if (!nested) above = row.cells[0].textContent.toLowerCase();
        const text = nested ? above + " " + own : own;
        const other = Boolean(wanted) && row.dataset.about !== undefined && row.dataset.about !== wanted;
        row.hidden = other || !words.every((word) => text.includes(word));
      });
      const shown = rows.filter((row) => !row.hidden).length;
      const status = input.closest(".tools").querySelector("[role=status]");
      status.textContent = shown === rows.length ? "" : shown + " of " + rows.length + " lines";
    });
  }

  document.querySelectorAll("input[data-filter]").forEach((input) => input.addEventListener("input", show));
  if (model) model.addEventListener("change", show);

  // Sorting ----------------------------------------------------------------------------------------
  function number(cell) {
    const found = cell && cell.textContent.replace("−", "-").match(/-?\d[\d.]*(?:e[-+]?\d+)?/);
    return found ? Number(found[0]) : NaN;
  }

  document.querySelectorAll("table.sortable thead th").forEach(function (head) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.appendChild(button);
    button.addEventListener("click", function () {
      const rising = head.getAttribute("aria-sort") === "descending";
      head.closest("tr").querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const sign = rising ? 1 : -1;
      const numbers = head.classList.contains("num");
      Array.from(head.closest("table").tBodies).forEach(function (body) {
        const rows = Array.from(body.rows).filter((row) => !row.classList.contains("axis"));
        rows.sort(function (a, b) {
          const [x, y] = [a.cells[head.cellIndex], b.cells[head.cellIndex]];
          if (!numbers) return sign * x.textContent.localeCompare(y.textContent);
          const [p, q] = [number(x), number(y)];
          if (isNaN(p) || isNaN(q)) return isNaN(p) - isNaN(q); // what was not measured comes last
          return sign * (p - q);
        });
        rows.forEach((row) => body.appendChild(row));
      });
    });
  });

  // A link to a chart that is not drawn yet would miss its place.
  window.addEventListener("hashchange", function () {
    const goal = document.getElementById(location.hash.slice(1));
    if (goal) goal.querySelectorAll(".chart").forEach(draw);
  });
})();
