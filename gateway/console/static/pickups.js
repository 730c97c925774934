// The map of pick-up points, loaded when it is asked for. Without this script the table says what the map would.
(() => {
  "use strict";
  const map = document.getElementById("pick-map");
  const button = document.getElementById("pick-show-map");
  if (!map || !button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    button.hidden = true;
    map.hidden = false;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = map.dataset.style;
    const script = document.createElement("script");
    script.src = map.dataset.script;
    script.onload = draw;
    script.onerror = () => {
      map.hidden = true;
      button.hidden = false;
    };
    document.head.append(style, script);
  });

  function draw() {
    const colours = getComputedStyle(document.documentElement);
    const colour = (name) => colours.getPropertyValue(name).trim();
    const dots = JSON.parse(map.dataset.dots);
    const shown = L.map(map, { attributionControl: Boolean(map.dataset.tiles), zoomAnimation: false });
    if (map.dataset.tiles) {
      const credit = document.createElement("span");
      credit.textContent = map.dataset.credit;
      L.tileLayer(map.dataset.tiles, { maxZoom: 19, attribution: credit.innerHTML }).addTo(shown);
    }
    for (const one of dots) {
      const hue = one.state === "closed" ? colour("--edge") : one.full || one.state === "full" ? colour("--bad") : colour("--accent");
      const dot = L.circleMarker([one.lat, one.lon], { radius: 9, color: hue, fillOpacity: 0.55, dashArray: one.state === "closed" ? "3" : null });
      const label = document.createElement("span");
      label.textContent = one.name;
      dot.bindTooltip(label, { permanent: dots.length < 8, direction: "top" }).addTo(shown);
      if (dots.length > 1) dot.on("click", () => location.assign(one.href));
    }
    L.control.scale({ imperial: false }).addTo(shown);
    if (dots.length === 1) shown.setView([dots[0].lat, dots[0].lon], 15);
    else shown.fitBounds(L.latLngBounds(dots.map((one) => [one.lat, one.lon])).pad(0.2), { maxZoom: 15 });
    map.dataset.drawn = "yes";
  }
})();
