"use strict";
// Draws the charts of the page from the JSON block "figures". No network, no eval: Vega's
// expressions run in its interpreter, so the content security policy can forbid both.
(function () {
  const specs = JSON.parse(document.getElementById("figures").textContent);
  function limits(spec, width) {
    const axis = spec.config.axisY;
    if (axis) axis.labelLimit = Math.max(90, Math.min(300, Math.round(width * 0.4)));
    const longest = Math.min(45, (spec.usermeta || {}).longest || 45);
    spec.config.legend.columns = Math.max(1, Math.floor((width - 80) / (7 * longest + 30)));
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
