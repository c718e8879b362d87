"use strict";
// Draws the charts of the page from the JSON block "figures". No network, no eval: Vega's
// expressions run in its interpreter, so the content security policy can forbid both.
(function () {
  const specs = JSON.parse(document.getElementById("figures").textContent);
  // Long names beside a chart and in its legend take what room the page has.
  function limits(spec, width) {
    const named = spec.layer.some((l) => l.encoding && l.encoding.y && l.encoding.y.type === "nominal");
    const beside = Math.max(90, Math.min(300, Math.round(width * 0.4)));
    spec.config.axisY.labelLimit = beside;
    const longest = Math.min(45, spec.usermeta.longest || 45);
    const room = width - (named ? beside : 40) - 80; // the menu, the symbols
    spec.config.legend.columns = Math.max(1, Math.floor(room / (7 * longest + 30)));
    spec.config.legend.labelLimit = Math.max(120, room);
  }
  specs.forEach(function (spec, i) {
    const place = document.getElementById("figure-" + i);
    if (!place) return;
    limits(spec, place.clientWidth);
    vegaEmbed(place, spec, {
      mode: "vega-lite",
      renderer: "svg",
      ast: true,
      actions: { export: true, source: false, compiled: false, editor: false },
    }).catch(function (error) {
      place.textContent = "This chart could not be drawn: " + error.message;
    });
  });
})();
