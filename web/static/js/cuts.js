// The wave of a recording with the pieces to leave out in red. The list of their times is the form; the wave only
// helps to fill it, so both always show the same.
(function () {
  const form = document.querySelector("[data-cutting]");
  if (!form || !window.WaveSurfer) return;

  const AROUND = 2, SHORTEST = 0.1, NEW = 2, KEPT_SILENCE = 0.3, SMALLEST_SILENCE = 0.5;  // seconds
  const LENGTH = Number(form.dataset.ms) / 1000;
  const RED = "rgb(161 26 18 / 28%)";
  const find = (selector) => form.querySelector(selector);
  const list = find("[data-cuts]"), audio = find("[data-original]"), left = find("[data-left]");
  const unsaved = document.querySelector("[data-unsaved]"), music = find("[name=music]"), musicBefore = music.defaultChecked;
  const rows = new Map();  // row → its region, while its times make sense
  let number = list.children.length, trial = null;

  // --- times as people write them ------------------------------------------------------------------

  function seconds(text) {
    const found = /^(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)$/.exec(text.replace(/\s/g, ""));
    return found ? Number(found[1] || 0) * 3600 + Number(found[2] || 0) * 60 + Number(found[3].replace(",", ".")) : NaN;
  }

  function written(time) {
    const tenths = Math.round(time * 10), minutes = Math.floor(tenths / 600);
    return `${String(minutes).padStart(2, "0")}:${String(Math.floor(tenths % 600 / 10)).padStart(2, "0")},${tenths % 10}`;
  }

  function lasting(time) {
    const whole = Math.round(time);
    return whole < 60 ? inWords("%(seconds)s giây", { seconds: whole }) : inWords("%(minutes)s phút %(seconds)s giây", { minutes: Math.floor(whole / 60), seconds: String(whole % 60).padStart(2, "0") });
  }

  const fields = (row) => [...row.querySelectorAll("input")];
  const span = (row) => fields(row).map((field) => seconds(field.value));
  const makesSense = ([begin, end]) => begin >= 0 && begin < LENGTH && end > begin;

  function spans() {
    const joined = [];
    [...rows.keys()].map(span).filter(makesSense).sort((a, b) => a[0] - b[0]).forEach(([begin, end]) => {
      const last = joined[joined.length - 1];
      if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
      else joined.push([begin, Math.min(end, LENGTH)]);
    });
    return joined;
  }

  // --- the wave ------------------------------------------------------------------------------------

  form.querySelectorAll("[data-needs-script], [data-wave], [data-add], [data-trim]").forEach((part) => { part.hidden = false; });
  form.querySelectorAll("[data-without-script]").forEach((part) => { part.hidden = true; });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const regions = WaveSurfer.Regions.create();
  const wave = WaveSurfer.create({
    container: find("[data-wave]"), media: audio, height: 110, cspNonce: form.dataset.nonce,
    peaks: [JSON.parse(form.dataset.peaks).map((peak) => peak / 100)], duration: LENGTH, normalize: true,
    waveColor: colour("--pico-muted-color"), progressColor: colour("--pico-primary"), cursorColor: colour("--pico-color"),
    plugins: [regions],
  });
  regions.enableDragSelection({ color: RED });
  const zoom = find("[data-zoom]");
  zoom.addEventListener("input", () => {
    const whole = wave.getWidth() / LENGTH;  // px a second when all of it is seen
    wave.zoom(zoom.value === "0" ? 0 : whole + (Math.max(100, whole) - whole) * (Number(zoom.value) / 100) ** 2);
  });

  // A stretch drawn on the wave becomes a row; one that was made for a row has one already.
  regions.on("region-created", (region) => {
    if ([...rows.values()].includes(region)) return;
    if (region.end - region.start < SHORTEST) return setTimeout(() => region.remove());
    const row = add();
    rows.set(row, region);
    write(row);
  });
  regions.on("region-update", (region) => {
    const row = [...rows.keys()].find((each) => rows.get(each) === region);
    if (row) write(row);
  });

  function write(row) {
    const { start, end } = rows.get(row), [from, to] = fields(row);
    from.value = written(start);
    to.value = written(end);
    settle(row);
  }

  function draw(row) {
    const [begin, end] = span(row), region = rows.get(row);
    if (!makesSense([begin, end])) {
      if (region) region.remove();
      rows.set(row, null);
    } else if (region) {
      region.setOptions({ start: begin, end: Math.min(end, LENGTH) });
    } else {
      rows.set(row, undefined);
      drawNew(row, begin, Math.min(end, LENGTH));
    }
  }

  function drawNew(row, start, end) {
    regions.once("region-initialized", (region) => rows.set(row, region));  // before it is "created"
    regions.addRegion({ start, end, color: RED, minLength: SHORTEST });
  }

  // --- the list ------------------------------------------------------------------------------------

  function add() {
    const holder = document.createElement("ol");
    holder.innerHTML = find("[data-row]").innerHTML.replaceAll("SO", number++);
    return welcome(list.appendChild(holder.firstElementChild));
  }

  function welcome(row) {
    rows.set(row, null);
    row.querySelector("[data-tools]").hidden = false;
    fields(row).forEach((field) => {
      field.addEventListener("input", () => { draw(row); settle(row); });
      field.addEventListener("keydown", (event) => step(event, field));
    });
    row.querySelector("[data-try]").addEventListener("click", () => hear(row));
    row.querySelector("[data-drop-cut]").addEventListener("click", () => drop(row));
    return row;
  }

  // As in a number field: arrows by a tenth, pages by a second.
  function step(event, field) {
    const by = { ArrowUp: 0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 }[event.key], now = seconds(field.value);
    if (!by || Number.isNaN(now)) return;
    event.preventDefault();
    field.value = written(Math.min(Math.max(now + by, 0), LENGTH));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function drop(row) {
    const region = rows.get(row), next = row.nextElementSibling;
    rows.delete(row);
    if (region) region.remove();
    row.remove();
    tell();
    (next ? fields(next)[0] : find("[data-add]")).focus();
  }

  function settle(row) {
    fields(row).forEach((field) => { field.removeAttribute("aria-invalid"); });
    row.querySelectorAll("small.error").forEach((said) => said.remove());
    tell();
  }

  function tell() {
    find("[data-none]").hidden = rows.size > 0;
    left.textContent = inWords("Sau khi cắt còn %(length)s.", { length: lasting(spans().reduce((rest, [begin, end]) => rest - (end - begin), LENGTH)) });
    compare();
  }

  // The sound below is made of what was saved.
  let saved = "";
  const present = () => JSON.stringify([...rows.keys()].map((row) => fields(row).map((field) => field.value.trim())));
  function compare() { unsaved.hidden = present() === saved && music.checked === musicBefore; }
  music.addEventListener("change", compare);

  find("[data-add]").addEventListener("click", () => {
    const start = Math.max(0, Math.min(audio.currentTime, LENGTH - NEW)), row = add();
    drawNew(row, start, Math.min(start + NEW, LENGTH));
    write(row);
    fields(row)[0].focus();
  });

  if (find("[data-trim]")) find("[data-trim]").addEventListener("click", (event) => {
    const head = Number(form.dataset.head) / 1000, tail = Number(form.dataset.tail) / 1000;
    const wanted = [[0, head - KEPT_SILENCE], [LENGTH - tail + KEPT_SILENCE, LENGTH]];
    wanted.filter(([begin, end]) => end - begin >= SMALLEST_SILENCE).forEach(([begin, end]) => {
      const row = add();
      drawNew(row, begin, end);
      write(row);
    });
    event.target.hidden = true;
  });

  // --- listening -----------------------------------------------------------------------------------

  // From a little before the cut to a little after it, as it will sound.
  function hear(row) {
    const [begin, end] = span(row);
    if (!makesSense([begin, end])) return fields(row)[0].focus();
    trial = { until: Math.min(end + AROUND, LENGTH) };
    audio.currentTime = begin > 0 ? Math.max(0, begin - AROUND) : end;
    audio.play();
  }

  function watch() {
    if (audio.paused) { trial = null; return; }
    const now = audio.currentTime, within = trial || find("[data-skip]").checked
      ? spans().find(([begin, end]) => now >= begin && now < end) : null;
    if (within && within[1] >= LENGTH) audio.pause();
    else if (within) audio.currentTime = within[1];
    else if (trial && now >= trial.until) audio.pause();
    requestAnimationFrame(watch);
  }
  audio.addEventListener("play", watch);

  [...list.children].forEach((row) => {
    if (row.hasAttribute("data-spare") && fields(row).every((field) => !field.value)) return row.remove();
    welcome(row);
  });
  if (!form.querySelector("[aria-invalid=true], .mistake")) saved = present();  // refused times are not saved ones
  wave.once("ready", () => [...rows.keys()].forEach(draw));
  tell();
})();
