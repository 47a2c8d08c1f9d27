// The form of a bulletin: parts added, moved and taken out in place, pasted pages cleaned, nothing typed lost.
(function () {
  const DAYS_KEPT = 14, PREFIX = "loa-soan:", SAVING = "loa-dang-luu";
  const form = document.querySelector("form[data-draft]");

  // --- unsaved text is kept on this device -----------------------------------------------------------
  const store = {
    get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden: only the help is lost */ } },
    drop(key) { try { localStorage.removeItem(key); } catch { /* as above */ } },
    keys() { try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)); } catch { return []; } },
  };

  for (const key of store.keys()) {
    const kept = store.get(key);
    if (!kept || Date.now() - kept.at > DAYS_KEPT * 24 * 3600 * 1000) store.drop(key);
  }

  function saving(key) {
    try {
      if (key === undefined) return sessionStorage.getItem(SAVING);
      if (key) sessionStorage.setItem(SAVING, key); else sessionStorage.removeItem(SAVING);
    } catch { /* without it a draft is offered once too often */ }
    return null;
  }

  if (!form) {  // the page that follows a saving
    const key = saving();
    const path = key && key.split(" ").pop(), from = document.referrer && new URL(document.referrer).pathname;
    if (key && path === from) store.drop(key);
    saving("");
    return;
  }
  saving("");

  const key = PREFIX + form.dataset.draft;
  const list = form.querySelector("[data-parts]");

  function values() {
    return [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrf_token" && name !== "line");
  }
  const untouched = JSON.stringify(values());
  let timer = null;

  function keep() {
    timer = null;
    const now = values();
    if (JSON.stringify(now) !== untouched) store.set(key, { at: Date.now(), values: now });
  }
  function keepSoon() { clearTimeout(timer); timer = setTimeout(keep, 400); }
  form.addEventListener("input", keepSoon);
  form.addEventListener("change", keepSoon);
  window.addEventListener("pagehide", () => { if (timer) keep(); });
  form.addEventListener("submit", (event) => {
    if (timer) { clearTimeout(timer); keep(); }
    if (!event.submitter || event.submitter.name !== "change") saving(key);
  });

  function offer(kept) {
    const note = document.createElement("div"), when = new Date(kept.at).toLocaleString("vi-VN", { hour: "2-digit", minute: "2-digit", day: "2-digit", month: "2-digit" });
    note.className = "unsaved";
    note.setAttribute("role", "status");
    note.innerHTML = '<span></span><span class="actions"><button type="button" class="small"></button><button type="button" class="outline secondary small"></button></span>';
    note.firstElementChild.textContent = inWords("Khôi phục bản đang soạn dở? Máy này còn giữ bản lúc %(when)s.", { when });
    const [restoring, dropping] = note.querySelectorAll("button");
    restoring.textContent = inWords("Khôi phục");
    dropping.textContent = inWords("Bỏ bản đó");
    restoring.addEventListener("click", async () => { await restore(kept.values); note.remove(); });
    dropping.addEventListener("click", () => { note.remove(); keep(); if (JSON.stringify(values()) === untouched) store.drop(key); });
    form.before(note);
  }

  async function restore(found) {
    const sent = { change: "khoi-phuc", csrf_token: form.elements.csrf_token.value };
    for (const [name, value] of found) if (name.startsWith("parts-")) sent[name] = value;
    await htmx.ajax("POST", location.pathname, { target: list, swap: "outerHTML", select: "[data-parts]", values: sent });
    for (const element of form.elements) {
      if (!element.name || element.name.startsWith("parts-") || ["csrf_token", "change", "line", "overwrite"].includes(element.name)) continue;
      const kept = found.filter(([name]) => name === element.name).map(([, value]) => value);
      if (["checkbox", "radio"].includes(element.type)) element.checked = kept.includes(element.value);
      else if (kept.length && element.type !== "file") element.value = kept[0];
    }
    const again = form.querySelector("[data-parts]");
    number(again);
    again.querySelectorAll("textarea").forEach((area) => htmx.trigger(area, "again"));
    keep();
  }

  const kept = store.get(key);
  if (kept && window.htmx && JSON.stringify(kept.values) !== untouched && !form.querySelector("[aria-invalid=true]")) offer(kept);

  // --- parts -----------------------------------------------------------------------------------------
  const parts = () => form.querySelector("[data-parts]");
  const removed = form.querySelector("[data-removed]");
  let putBack = null;

  function number(within) {
    const all = [...within.children];
    within.dataset.count = all.length;
    all.forEach((part, place) => {
      part.querySelectorAll("[data-place]").forEach((shown) => { shown.textContent = place + 1; });
      part.querySelector("[data-move=up]").disabled = place === 0;
      part.querySelector("[data-move=down]").disabled = place === all.length - 1;
    });
    form.querySelectorAll("[data-add]").forEach((button) => { button.disabled = all.length >= Number(form.dataset.most); });
  }

  function move(part, how, button) {
    const place = [...parts().children].indexOf(part);
    if (how === "up") part.previousElementSibling.before(part);
    if (how === "down") part.nextElementSibling.after(part);
    if (how === "remove") {
      const before = part.nextElementSibling;
      putBack = () => parts().insertBefore(part, before && before.isConnected ? before : null);
      part.remove();
      removed.firstElementChild.textContent = inWords("Đã bỏ phần %(number)s.", { number: place + 1 });
      removed.hidden = false;
    }
    number(parts());
    keepSoon();
    const next = how === "remove" ? removed.querySelector("button") : button.disabled ? part.querySelector("[data-move]:not(:disabled)") : button;
    next.focus();
  }

  async function add(kind) {
    const trouble = form.querySelector("[data-add-trouble]"), box = parts();
    const taken = [...box.children].map((part) => Number(part.dataset.part));
    const address = `${form.dataset.newPart}?loai=${kind}&so=${Math.max(...taken) + 1}`, count = box.children.length;
    trouble.hidden = true;
    await htmx.ajax("GET", address, { target: box, swap: "beforeend" }).catch(() => {});
    if (box.children.length === count) {
      trouble.textContent = inWords("Không nối được với đài nên chưa thêm được phần. Hãy thử lại.");
      trouble.hidden = false;
      return;
    }
    number(box);
    keepSoon();
    const first = box.lastElementChild.querySelector("textarea, select, .source button:not([hidden]), input[type=file]");
    if (first) first.focus();
    box.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !window.htmx) return;
    if (button.dataset.add) { event.preventDefault(); add(button.dataset.add); }
    else if (button.dataset.move === "remove" && parts().children.length === 1) { /* the server puts an empty one in its place */ }
    else if (button.dataset.move) { event.preventDefault(); move(button.closest(".part"), button.dataset.move, button); }
    else if ("putBack" in button.dataset && putBack) {
      putBack();
      putBack = null;
      removed.hidden = true;
      number(parts());
      keepSoon();
    }
  });
  form.addEventListener("change", (event) => {
    const words = event.target.dataset.words;
    if (words) event.target.closest(".part").querySelector("[data-kind-words]").textContent = words;
  });

  // --- cleaning a pasted page ------------------------------------------------------------------------
  const tidy = (line) => line.normalize("NFC").trim();

  /** The text without the debris: each line is looked for at its own number, then anywhere. */
  function without(text, unwanted) {
    const lines = text.split("\n"), blank = lines.findIndex((line) => tidy(line));
    for (const { number: at, words, left } of unwanted) {
      const here = at - 1 + Math.max(blank, 0);
      const found = lines[here] !== null && lines[here] !== undefined && tidy(lines[here]) === words ? here : lines.findIndex((line) => line !== null && tidy(line) === words);
      if (found >= 0) lines[found] = left || null;
    }
    return lines.filter((line) => line !== null).join("\n").replace(/\n(?:[^\S\n]*\n){2,}/g, "\n\n");  // no gap stays behind
  }

  function replace(area, text) {
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
    htmx.trigger(area, "again");
  }

  form.addEventListener("click", (event) => {
    const clean = event.target.closest("[data-clean]"), undo = event.target.closest("[data-unclean]");
    if (!clean && !undo) return;
    const part = event.target.closest(".part"), area = part.querySelector("textarea"), said = part.querySelector("[data-cleaned]");
    if (undo) {
      replace(area, area.dataset.before);
      said.hidden = true;
      area.focus();
      return;
    }
    const boxes = [...part.querySelectorAll("[data-line]:checked")];
    said.firstElementChild.textContent = boxes.length ? inWords("Đã bỏ %(count)s dòng khỏi văn bản.", { count: boxes.length }) : inWords("Hãy đánh dấu ít nhất một dòng cần bỏ.");
    said.querySelector("button").hidden = !boxes.length;
    said.hidden = false;
    if (!boxes.length) return;
    area.dataset.before = area.value;
    replace(area, without(area.value, boxes.map((box) => ({ number: Number(box.value), words: box.dataset.line, left: box.dataset.left }))));
    said.querySelector("button").focus();
  });
})();
