// What is typed in a form marked data-drafted stays on this device until it is sent: a dead battery or a lost network
// costs nothing. Of each person alone, for a week; the form of a bulletin, whose parts move, keeps its own (parts.js).
(function () {
  const PREFIX = "loa-nhap:", SENT = "loa-nhap-gui", KEPT_MS = 7 * 24 * 3600 * 1000, QUIET_MS = 400;
  const who = document.body.dataset.who;

  function guarded(act) { try { return act(); } catch { return null; /* full or forbidden: only the help is lost */ } }
  const get = (key) => guarded(() => JSON.parse(localStorage.getItem(key)));
  const drop = (key) => guarded(() => localStorage.removeItem(key));
  const set = (key, value) => guarded(() => localStorage.setItem(key, JSON.stringify(value)));

  guarded(() => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).forEach((key) => {
    const kept = get(key);
    if (!kept || Date.now() - kept.at > KEPT_MS) drop(key);
  }));

  const form = document.querySelector("form[data-drafted]");
  // Refused, failed, or led to sign in first: what was typed is not with the station.
  const isRefused = !who || document.querySelector(".mistake, [aria-invalid=true], [data-error]");
  const sent = guarded(() => sessionStorage.getItem(SENT));
  if (sent && !isRefused) drop(sent);
  guarded(() => sessionStorage.removeItem(SENT));
  if (!form || !who) return;

  const key = `${PREFIX}${who}:${location.pathname}${location.search}`;
  const isKept = (field) => field.name && !["hidden", "password", "file", "submit"].includes(field.type) && field.autocomplete !== "one-time-code";
  const isTick = (field) => ["checkbox", "radio"].includes(field.type);
  const fields = () => [...form.elements].filter(isKept);
  const values = () => fields().map((field) => [field.name, isTick(field) ? [field.value, field.checked] : field.value]);
  const untouched = JSON.stringify(values());

  let timer = null;
  function keep() {
    clearTimeout(timer);
    timer = null;
    const now = values();
    if (JSON.stringify(now) === untouched) drop(key); else set(key, { at: Date.now(), values: now });
  }
  function keepSoon() {
    clearTimeout(timer);
    timer = setTimeout(keep, QUIET_MS);
  }
  form.addEventListener("input", keepSoon);
  form.addEventListener("change", keepSoon);
  addEventListener("pagehide", () => { if (timer) keep(); });
  form.addEventListener("submit", () => {
    keep();
    guarded(() => sessionStorage.setItem(SENT, key));
  });

  // Fields of one name are told apart by their order; a tick is found by its value.
  function restore(found) {
    const rest = found.map((one) => one);
    fields().forEach((field) => {
      const place = rest.findIndex(([name, value]) => name === field.name && (!isTick(field) || value[0] === field.value));
      if (place < 0) return;
      const [[, value]] = rest.splice(place, 1);
      if (isTick(field)) field.checked = value[1]; else field.value = value;
    });
    form.dispatchEvent(new Event("input", { bubbles: true }));
    form.querySelectorAll("[data-tree]").forEach((tree) => tree.dispatchEvent(new Event("change", { bubbles: true })));
  }

  function offer(kept) {
    const note = document.createElement("div"), words = document.createElement("p"), buttons = document.createElement("div");
    const when = window.station ? station.time(kept.at) : new Date(kept.at).toLocaleString("en-GB");
    words.textContent = inWords("Máy này còn giữ những gì bạn nhập dở lúc %(time)s.", { time: when });
    note.className = "note wait unsent";
    note.setAttribute("role", "status");
    buttons.className = "actions";
    function choice(word, look, act) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = look;
      button.textContent = word;
      button.addEventListener("click", () => { act(); note.remove(); });
      buttons.append(button);
    }
    choice(inWords("Điền lại"), "small", () => restore(kept.values));
    choice(inWords("Bỏ đi"), "outline secondary small", () => drop(key));
    note.append(words, buttons);
    form.before(note);
  }
  const kept = get(key);
  if (kept && !isRefused && JSON.stringify(kept.values) !== untouched) offer(kept);
})();
