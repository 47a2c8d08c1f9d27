// The marks of the map: receivers near each other are one mark with their number, by a grid that stands still while
// the map is moved. So there are never more marks than fit on the screen, whatever the fleet's size.
(function () {
  const CELL = 56, TOUCH = 44, SLACK = 8, MARGIN = 1;  // px, px, px, cells beyond the edge
  const KINDS = ["offline", "impaired", "never", "well"];  // the worst first

  function sign(health, playing) {
    const halo = playing ? '<use href="#dau-playing"></use>' : "";
    return `<svg class="sign ${health}" aria-hidden="true">${halo}<use href="#dau-${health}"></use></svg>`;
  }

  function tally(receivers) {
    const found = {};
    receivers.forEach((each) => { found[each.health] = (found[each.health] || 0) + 1; });
    return KINDS.filter((kind) => found[kind]).map((kind) => [kind, found[kind]]);
  }

  // A ring with a share for each kind, the number within, and the sign of the worst beside it.
  function many(receivers) {
    const kinds = tally(receivers), part = 100 / receivers.length;
    let at = 0;
    const shares = kinds.map(([kind, number]) => {
      const share = `<circle class="share ${kind}" cx="20" cy="20" r="17" pathLength="100" stroke-dasharray="${number * part} 100" stroke-dashoffset="${-at}"></circle>`;
      at += number * part;
      return share;
    });
    const worst = kinds[0][0] === "well" ? "" : sign(kinds[0][0], false);
    return `<svg class="ring" viewBox="0 0 40 40" aria-hidden="true"><circle class="ground" cx="20" cy="20" r="17"></circle>${shares.join("")}</svg><b>${receivers.length}</b>${worst}`;
  }

  class Marks {
    // `name(receivers)`: what a screen reader hears of a mark; `choose(receivers, element)`: it was clicked or entered.
    constructor(map, name, choose) {
      Object.assign(this, { map, name, choose, receivers: [], shown: new Map(), chosen: "", zoom: null });
      map.on("moveend zoomend", () => this.draw());
    }

    show(receivers) {
      this.receivers = receivers;
      this.zoom = null;
      this.draw();
    }

    draw() {
      const cells = this.cells();
      for (const [key, mark] of this.shown) {
        if (!cells.has(key)) { mark.remove(); this.shown.delete(key); }
      }
      for (const [key, receivers] of cells) this.put(key, receivers);
    }

    cells() {
      const zoom = this.map.getZoom(), seen = this.map.getPixelBounds(), found = new Map();
      if (zoom !== this.zoom) this.receivers.forEach((each) => { each.point = this.map.project(each.at, zoom); });
      this.zoom = zoom;
      const [left, top, right, bottom] = [seen.min.x, seen.min.y, seen.max.x, seen.max.y].map((px) => Math.floor(px / CELL));
      for (const each of this.receivers) {
        const x = Math.floor(each.point.x / CELL), y = Math.floor(each.point.y / CELL);
        if (x < left - MARGIN || x > right + MARGIN || y < top - MARGIN || y > bottom + MARGIN) continue;
        const key = `${zoom} ${x} ${y}`;
        if (!found.has(key)) found.set(key, []);
        found.get(key).push(each);
      }
      return found;
    }

    put(key, receivers) {
      const says = receivers.map((each) => `${each.id} ${each.health} ${each.playing} ${each.id === this.chosen} ${each.at}`).join();
      const before = this.shown.get(key);
      if (before && before.says === says) return;
      const focused = before && before.getElement() === document.activeElement;
      if (before) before.remove();
      const mark = this.make(receivers);
      mark.says = says;
      this.shown.set(key, mark);
      if (focused) mark.getElement().focus({ preventScroll: true });
    }

    make(receivers) {
      const one = receivers.length === 1 ? receivers[0] : null;
      const chosen = receivers.some((each) => each.id === this.chosen) ? " chosen" : "";
      const icon = L.divIcon({
        className: (one ? "mark" : "mark many") + chosen, iconSize: [TOUCH, TOUCH],
        html: one ? sign(one.health, one.playing !== null) : many(receivers),
      });
      const at = one ? one.at : this.map.unproject(middle(receivers), this.zoom);
      const mark = L.marker(at, { icon, keyboard: true, riseOnHover: true }).addTo(this.map);
      const element = mark.getElement(), act = () => this.choose(receivers, element);
      element.setAttribute("aria-label", this.name(receivers));
      element.title = this.name(receivers);
      mark.on("click", act);
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        act();
      });
      return mark;
    }

    point(id) {
      this.chosen = id;
      this.draw();
    }

    elementOf(id) {
      const mark = [...this.shown.values()].find((each) => each.says.split(/[ ,]/).includes(id));
      return mark ? mark.getElement() : null;
    }
  }

  // Where most of them are, yet so far within their cell that its neighbours are not covered.
  function middle(receivers) {
    const along = (axis) => {
      const mean = receivers.reduce((total, each) => total + each.point[axis], 0) / receivers.length;
      const centre = (Math.floor(receivers[0].point[axis] / CELL) + 0.5) * CELL;
      return Math.min(Math.max(mean, centre - SLACK), centre + SLACK);
    };
    return [along("x"), along("y")];
  }

  // Names of villages: those of the most receivers first, and none upon another.
  class Villages {
    constructor(map) {
      Object.assign(this, { map, areas: [], shown: [] });
      map.createPane("villages").style.zIndex = 650;
      map.getPane("villages").style.pointerEvents = "none";
      map.on("zoomend", () => this.draw());
    }

    show(areas) {
      this.areas = [...areas].sort((one, other) => other.receivers - one.receivers);
      this.draw();
    }

    draw() {
      this.shown.forEach((each) => each.remove());
      const taken = [], zoom = this.map.getZoom();
      this.shown = this.areas.filter((area) => {
        const at = this.map.project(area.at, zoom), half = area.name.length * 4.2 + 4;
        const box = [at.x - half, at.y - 12, at.x + half, at.y + 12];
        if (taken.some((each) => box[0] < each[2] && box[2] > each[0] && box[1] < each[3] && box[3] > each[1])) return false;
        return taken.push(box);
      }).map((area) => this.make(area));
    }

    make(area) {
      const name = document.createElement("span");
      name.textContent = area.name;
      const icon = L.divIcon({ className: "village", iconSize: [0, 0], html: name });
      return L.marker(area.at, { icon, pane: "villages", interactive: false, keyboard: false }).addTo(this.map);
    }
  }

  window.LoaMarks = { Marks, Villages, tally };
})();
