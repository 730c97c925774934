// One report: counts the parts of a reply while it is written, and shows the map when asked for it. Without this script
// a button counts, and the list of nearby reports says what the map would.
(() => {
  "use strict";
  const form = document.querySelector("form[data-count]");
  const said = document.getElementById("parts");
  if (form && said) {
    const area = form.querySelector("textarea");
    let timer = 0;
    let asking = null;
    const count = async () => {
      asking?.abort();
      asking = new AbortController();
      const fields = new URLSearchParams(new FormData(form));
      fields.delete("_once");
      fields.set("fragment", "1");
      try {
        const answer = await fetch(form.dataset.count, { method: "POST", body: fields, signal: asking.signal });
        if (answer.ok) said.textContent = (await answer.text()).trim();
      } catch {
        /* the next letter asks again */
      }
    };
    area.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(count, 500);
    });
    form.querySelector(".counts-parts").hidden = true;
  }

  const map = document.getElementById("rep-map");
  const button = document.getElementById("rep-show-map");
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
    const points = JSON.parse(map.dataset.points);
    const shown = L.map(map, { attributionControl: Boolean(map.dataset.tiles), zoomAnimation: false });
    if (map.dataset.tiles) {
      const credit = document.createElement("span");
      credit.textContent = map.dataset.credit;
      L.tileLayer(map.dataset.tiles, { maxZoom: 19, attribution: credit.innerHTML }).addTo(shown);
    }
    for (const one of points) {
      const hue = one.here ? colour("--accent") : one.urgency > 1 ? colour("--bad") : colour("--edge");
      const dot = L.circleMarker([one.lat, one.lon], { radius: one.here ? 11 : 8, color: hue, fillOpacity: 0.55 }).addTo(shown);
      const label = document.createElement("span");
      label.textContent = one.ref;
      dot.bindTooltip(label, { permanent: one.here, direction: "top" });
      if (!one.here) dot.on("click", () => location.assign(one.href));
    }
    L.control.scale({ imperial: false }).addTo(shown);
    const here = points.find((one) => one.here);
    shown.setView([here.lat, here.lon], 16);
    if (points.length > 1) shown.fitBounds(L.latLngBounds(points.map((one) => [one.lat, one.lon])).pad(0.2), { maxZoom: 17 });
    map.dataset.drawn = "yes";
  }
})();
