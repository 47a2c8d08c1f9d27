// The map of receivers: a picture of what the list beside it says. Without it the list and the form still do everything.
(function () {
  const box = document.getElementById("ban-do");
  if (!box || !window.L || !window.LoaMarks) return;

  const VIETNAM = [[8.4, 102.1], [23.4, 109.5]], CLOSE = 16;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const form = document.querySelector("[data-placing]"), panel = document.querySelector("[data-panel]");
  const placing = form ? form.dataset.placing : "";

  // -- words, made by the server in the reader's language ------------------------------------------------------------
  const words = document.querySelector("template[data-words]").content;
  const health = (kind) => words.querySelector(`[data-health="${kind}"]`);
  const say = (name, values) => words.querySelector(`[data-say="${name}"]`).textContent
    .replace(/%\((\w+)\)s/g, (_all, key) => values[key]);

  function nameOf(receivers) {
    if (receivers.length === 1) {
      const { name, health: kind, playing } = receivers[0], word = health(kind).textContent;
      if (playing === null) return say("one", { name, health: word });
      return say("playing", { name, health: word, title: playing || say("tone", {}) });
    }
    const kinds = LoaMarks.tally(receivers).map(([kind, n]) => `${n} ${health(kind).textContent}`).join(", ");
    return say("many", { n: receivers.length, kinds });
  }

  // -- the map -------------------------------------------------------------------------------------------------------
  const mostZoom = Number(box.dataset.mostZoom);
  const map = L.map(box, {
    zoomControl: false, attributionControl: Boolean(box.dataset.attribution), minZoom: 4, maxZoom: mostZoom,
    zoomAnimation: !calm, fadeAnimation: !calm, markerZoomAnimation: !calm,
  });
  L.control.zoom({ zoomInTitle: box.dataset.zoomIn, zoomOutTitle: box.dataset.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  if (box.dataset.tiles) {
    const owner = document.createElement("span");
    owner.textContent = box.dataset.attribution;
    // Public tile servers answer nobody who hides where he comes from.
    L.tileLayer(box.dataset.tiles, { maxZoom: mostZoom, attribution: owner.innerHTML, referrerPolicy: "origin" }).addTo(map);
  }
  if (map.attributionControl) map.attributionControl.setPrefix(false);

  const marks = new LoaMarks.Marks(map, nameOf, choose), villages = new LoaMarks.Villages(map);
  let receivers = [], areas = new Map(), seen = "", asking = false, isPlaced = false, cameFrom = null;

  async function refresh() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(box.dataset.marks, { headers: { "X-Seen": seen } });
      if (answer.status !== 200) return;
      seen = answer.headers.get("X-Digest");
      take(await answer.json());
    } catch (_gone) {
      // The net is away: what was drawn stays, and the list says what it knows.
    } finally {
      asking = false;
    }
  }

  function take(told) {
    areas = new Map(told.areas.map(([id, name, lat, lon, number]) => [id, { name, at: [lat, lon], receivers: number }]));
    receivers = told.receivers.map(([id, name, area, lat, lon, kind, playing, simulated]) =>
      ({ id, name, area, at: [lat, lon], health: kind, playing, simulated }));
    if (!isPlaced) look();
    isPlaced = true;
    marks.show(receivers.filter((each) => each.id !== placing));
    villages.show([...areas.values()]);
    box.dataset.drawn = receivers.length;
    const chosen = receivers.find((each) => each.id === (marks.chosen || box.dataset.chosen));
    if (chosen && (!panel.hidden || box.dataset.chosen)) show([chosen]);
    box.dataset.chosen = "";
  }

  // Where to look first: at whom the address names, where one looked before, at all of them.
  function look() {
    const named = receivers.find((each) => each.id === (placing || box.dataset.chosen));
    if (named) return map.setView(named.at, CLOSE, { animate: false });
    const kept = recall();
    if (kept) return map.setView(kept.at, kept.zoom, { animate: false });
    const all = receivers.length ? receivers : [...areas.values()];
    map.fitBounds(all.length ? all.map((each) => each.at) : VIETNAM, { padding: [40, 40], maxZoom: CLOSE, animate: false });
  }

  const KEY = "loa-map " + box.dataset.marks;
  function recall() {
    try { return JSON.parse(sessionStorage.getItem(KEY)); } catch (_closed) { return null; }
  }
  function keep() {
    const { lat, lng } = map.getCenter();
    try { sessionStorage.setItem(KEY, JSON.stringify({ at: [lat, lng], zoom: map.getZoom() })); } catch (_closed) { /* full */ }
  }

  // -- what was chosen -----------------------------------------------------------------------------------------------
  function choose(chosen, element) {
    if (form) return;
    cameFrom = element;
    const spread = L.latLngBounds(chosen.map((each) => each.at));
    const apart = spread.getNorthEast().distanceTo(spread.getSouthWest());
    if (chosen.length > 1 && apart > 5 && map.getZoom() < mostZoom) {
      return map.fitBounds(spread, { padding: [60, 60], animate: !calm });
    }
    show(chosen);
    panel.focus({ preventScroll: true });
    panel.scrollIntoView({ block: "nearest" });
  }

  function show(chosen) {
    const template = chosen.length === 1 ? "[data-one]" : "[data-many]";
    const filled = document.querySelector(`template${template}`).content.cloneNode(true);
    if (chosen.length === 1) fillOne(filled, chosen[0]); else fillMany(filled, chosen);
    filled.querySelector("[data-close]").addEventListener("click", close);
    panel.replaceChildren(filled);
    panel.hidden = false;
    name(chosen.length === 1 ? chosen[0].id : "");
  }

  function fillOne(filled, one) {
    const kind = health(one.health), badge = filled.querySelector("[data-health]"), area = areas.get(one.area);
    filled.querySelector("h2").textContent = one.name;
    badge.textContent = kind.textContent;
    badge.classList.add(kind.className);
    filled.querySelector("[data-area]").textContent = area ? area.name : "";
    if (!one.simulated) filled.querySelector("[data-simulated]").remove();
    const line = filled.querySelector("[data-playing]");
    if (one.playing === null) line.remove(); else line.querySelector("b").textContent = one.playing || say("tone", {});
    filled.querySelectorAll("[data-open], [data-move]").forEach((link) => {
      link.href = link.getAttribute("href").replace("MA", encodeURIComponent(one.id));
    });
  }

  function fillMany(filled, chosen) {
    filled.querySelector("h2").textContent = say("near", { n: chosen.length });
    const open = document.querySelector("template[data-one]").content.querySelector("[data-open]").getAttribute("href");
    filled.querySelector("ul").append(...chosen.map((one) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = open.replace("MA", encodeURIComponent(one.id));
      link.textContent = nameOf([one]);
      item.append(link);
      return item;
    }));
  }

  // The address names whom one looks at, so that it can be sent to a colleague.
  function name(id) {
    marks.point(id);
    const address = new URL(location.href);
    if (id) address.searchParams.set("chon", id); else address.searchParams.delete("chon");
    history.replaceState(history.state, "", address);
  }

  function close() {
    const id = marks.chosen;
    panel.hidden = true;
    name("");
    const back = (id && marks.elementOf(id)) || cameFrom;
    if (back && back.isConnected) back.focus({ preventScroll: true });
  }

  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-point]");
    const one = link && receivers.find((each) => each.id === link.dataset.point);
    if (!one || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    cameFrom = link;
    map.setView(one.at, Math.max(map.getZoom(), CLOSE), { animate: false });
    show([one]);
    box.scrollIntoView({ block: "nearest" });
    panel.focus({ preventScroll: true });
  });

  // -- placing a receiver --------------------------------------------------------------------------------------------
  function place() {
    const field = form.querySelector("[name=location]"), said = form.querySelector("[data-locate-said]");
    const icon = L.divIcon({ className: "pin", iconSize: [44, 44], iconAnchor: [22, 44], html: '<svg viewBox="0 0 32 32" aria-hidden="true"><path d="M16 31C10 22 6 17 6 12a10 10 0 0 1 20 0c0 5-4 10-10 19z"></path><circle cx="16" cy="12" r="4"></circle></svg>' });
    let pin = null;

    function put(at) {
      if (!pin) {
        pin = L.marker(at, { icon, draggable: true, autoPan: true, keyboard: false, zIndexOffset: 1000 }).addTo(map);
        pin.on("drag", () => write(pin.getLatLng()));
      }
      pin.setLatLng(at);
    }
    function write({ lat, lng }) {
      field.value = `${lat.toFixed(6)}, ${lng.toFixed(6)}`;
    }
    function read() {
      const found = field.value.match(/^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/);
      return found ? [Number(found[1]), Number(found[2])] : null;
    }

    map.on("click", (event) => { put(event.latlng); write(event.latlng); });
    field.addEventListener("input", () => { if (read()) { put(read()); map.panTo(read()); } });
    if (read()) { put(read()); map.setView(read(), CLOSE, { animate: false }); isPlaced = true; }
    box.classList.add("placing-now");

    const ask = form.querySelector("[data-locate]");
    if (!navigator.geolocation || !window.isSecureContext) return;  // browsers tell it to pages over HTTPS alone
    ask.hidden = false;
    ask.addEventListener("click", () => {
      said.textContent = said.dataset.asking;
      navigator.geolocation.getCurrentPosition(({ coords }) => {
        const at = L.latLng(coords.latitude, coords.longitude);
        put(at);
        write(at);
        map.setView(at, Math.max(map.getZoom(), CLOSE), { animate: false });
        said.textContent = said.dataset.found.replace("%(metres)s", Math.round(coords.accuracy));
      }, () => { said.textContent = said.dataset.denied; }, { enableHighAccuracy: true, timeout: 20000 });
    });
  }

  // On paper the map is as wide as the sheet, and shows the same ground.
  function fit(forPaper) {
    const seenNow = map.getBounds();
    box.classList.toggle("on-paper", forPaper);
    map.invalidateSize({ animate: false });
    map.fitBounds(seenNow, { animate: false });
  }
  window.addEventListener("beforeprint", () => fit(true));
  window.addEventListener("afterprint", () => fit(false));

  if (form) place();
  map.on("moveend", keep);
  document.body.addEventListener("live:receivers", refresh);
  refresh();
})();
