// The words beside what is said of them: both sides light up together, and a place is corrected in a panel.
(function () {
  // --- hear it ---------------------------------------------------------------------------------------
  let player = null, playing = null;

  function quiet() {
    if (player) { player.pause(); URL.revokeObjectURL(player.src); }
    if (playing) { playing.removeAttribute("aria-busy"); name(playing); say(playing, ""); }
    player = playing = null;
  }

  /** Call the button what it does now; without a word, what it does at rest. */
  function name(button, word) {
    const first = button.firstChild;
    button.dataset.rest = button.dataset.rest || first.data;
    first.data = word || button.dataset.rest;
  }

  function say(button, text, wrong) {
    const where = button.parentElement.querySelector(".heard");
    where.textContent = text;
    where.classList.toggle("wrong", Boolean(wrong));
  }

  function addressOf(button) {
    const address = new URL(button.href);
    const from = button.dataset.from && document.getElementById(button.dataset.from);
    if (from) address.searchParams.set("chu", from.value.trim());
    return address;
  }

  async function hear(button) {
    const again = playing === button;
    quiet();
    if (again) return;  // pressed while it speaks: stop
    playing = button;
    button.setAttribute("aria-busy", "true");
    say(button, inWords("đang tạo tiếng…"));
    try {
      // Asked as a part of a page, an error is a plain sentence.
      const answer = await fetch(addressOf(button), { headers: { "HX-Request": "true" } });
      if (playing !== button) return;
      if (!answer.ok || !(answer.headers.get("Content-Type") || "").startsWith("audio/")) {
        const sentence = answer.headers.get("Content-Type").startsWith("text/plain") ? await answer.text() : "";
        throw new Error(sentence || inWords("Không nghe thử được. Hãy tải lại trang rồi thử lại."));
      }
      const sound = await answer.blob();
      if (playing !== button) return;
      play(button, sound, decodeURIComponent(answer.headers.get("X-Note") || ""));
    } catch (error) {
      if (playing !== button) return;
      playing = null;
      button.removeAttribute("aria-busy");
      say(button, error instanceof TypeError ? inWords("Không nối được với đài. Hãy thử lại.") : error.message, true);
    }
  }

  function play(button, sound, note) {
    player = new Audio(URL.createObjectURL(sound));
    player.addEventListener("ended", () => { quiet(); say(button, note); });
    player.addEventListener("error", () => { quiet(); say(button, inWords("Trình duyệt không phát được âm thanh này."), true); });
    button.removeAttribute("aria-busy");
    name(button, inWords("Dừng"));
    say(button, note ? inWords("đang phát. %(note)s", { note }) : inWords("đang phát"));
    player.play().catch(() => { quiet(); say(button, inWords("Trình duyệt không cho phát. Hãy bấm lại lần nữa."), true); });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-listen]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    hear(button);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches("[data-listen]")) { event.preventDefault(); hear(event.target); }
  });

  // --- lines to drop: all at once --------------------------------------------------------------------
  function offerAll(within) {
    within.querySelectorAll(".tick-all").forEach((label) => { label.hidden = false; });
  }
  offerAll(document);
  document.addEventListener("htmx:afterSwap", (event) => offerAll(event.detail.target));
  document.addEventListener("change", (event) => {
    const lines = event.target.closest("[data-debris]");
    if (!lines) return;
    const boxes = [...lines.querySelectorAll("[data-line]")], all = lines.querySelector("[data-tick-all]");
    if (event.target === all) boxes.forEach((box) => { box.checked = all.checked; });
    else all.checked = boxes.every((box) => box.checked);
  });

  // --- both sides of a changed place -----------------------------------------------------------------
  const under = { mouse: "", keyboard: "" };

  function light(by, event, on) {
    const mark = event.target.closest && event.target.closest("[data-pair]");
    if (!mark) return;
    under[by] = on ? mark.dataset.pair : "";
    const lit = new Set(Object.values(under));
    document.querySelectorAll("[data-pair]").forEach((each) => each.classList.toggle("lit", lit.has(each.dataset.pair)));
  }
  document.addEventListener("mouseover", (event) => light("mouse", event, true));
  document.addEventListener("mouseout", (event) => light("mouse", event, false));
  document.addEventListener("focusin", (event) => light("keyboard", event, true));
  document.addEventListener("focusout", (event) => light("keyboard", event, false));

  // --- on a phone one side at a time -----------------------------------------------------------------
  let side = "written";

  function showSide(reading, wanted) {
    reading.dataset.side = side = wanted;
    reading.querySelectorAll("[data-turn]").forEach((tab) => tab.setAttribute("aria-pressed", tab.dataset.turn === side));
  }
  function offerSides() {
    document.querySelectorAll(".reading:not([data-side])").forEach((reading) => {
      reading.querySelector(".sides").hidden = false;
      showSide(reading, side);
    });
  }
  /** A place that is led to must not lie on the side that is turned away. */
  function turnTo(place) {
    const box = place && place.closest(".reading .words");
    if (box) showSide(box.closest(".reading"), box.classList.contains("spoken") ? "spoken" : "written");
  }
  const placeAt = (hash) => hash.length > 1 && document.getElementById(hash.slice(1));
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-turn]"), link = event.target.closest('a[href^="#"]');
    if (tab) showSide(tab.closest(".reading"), tab.dataset.turn);
    if (link) turnTo(placeAt(link.hash));  // before the browser goes there
  });
  offerSides();
  const led = placeAt(location.hash);
  if (led && led.closest(".spoken")) { turnTo(led); led.scrollIntoView({ block: "center" }); }
  document.addEventListener("htmx:afterSwap", offerSides);

  // --- what a correction is typed in -----------------------------------------------------------------
  function grow(area) {
    for (area.rows = 2; area.rows < 8 && area.scrollHeight > area.clientHeight; ) area.rows++;
  }
  document.addEventListener("input", (event) => { if (event.target.matches(".fix textarea")) grow(event.target); });
  document.addEventListener("keydown", (event) => {  // it holds no lines: Enter saves, as in a field of one
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches(".fix textarea")) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });

  // --- the button below the text: as the one above ----------------------------------------------------
  document.addEventListener("htmx:afterSwap", (event) => {
    const below = document.querySelector("[data-submit-again]");
    if (!below || !event.detail.target.dataset.digest) return;
    const above = event.detail.target.querySelector("[data-submit]");
    below.replaceChildren(...(above ? [above.cloneNode(true)] : []));
  });

  // --- the panel -------------------------------------------------------------------------------------
  const dialog = document.getElementById("cach-doc");
  if (!dialog || !window.htmx || !dialog.showModal) return;
  let opener = null;

  async function open(address) {
    if (!dialog.open) opener = document.activeElement;
    await htmx.ajax("GET", address, { target: "#cach-doc-chu", swap: "innerHTML" });
  }

  function complain(sentence) {
    const where = dialog.querySelector("[data-trouble]") || dialog.querySelector("#cach-doc-chu");
    where.hidden = false;
    where.textContent = sentence;
    if (!dialog.open) dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) return dialog.close();
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest(".reading a[data-pair], #cach-doc a[data-open]");
    if (!link || !link.search) return;
    event.preventDefault();
    if (picked()) return;  // the end of a selection, not a press
    open(link.href);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-find]")) return;
    event.preventDefault();
    open(event.target.action + "?" + new URLSearchParams(new FormData(event.target)));
  });
  // What is to be corrected in the panel comes with 400, words that stand nowhere with 404.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail, html = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/html");
    if (html && [400, 404].includes(xhr.status) && (dialog.contains(event.detail.target) || event.detail.target.id === "van-ban")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "cach-doc-chu") {
      if (!dialog.open) dialog.showModal();
      const first = dialog.querySelector("[aria-invalid=true]") || dialog.querySelector("#spoken") || dialog.querySelector("a[data-open], input[type=search]");
      if (first) { first.focus(); if (first.select) first.select(); if (first.matches("textarea")) grow(first); }
    }
    const section = document.getElementById("van-ban");
    if (section && section.dataset.focus && dialog.open) {
      dialog.close();
      showScripted();
      const place = document.getElementById(section.dataset.focus.replace(/^v/, side === "spoken" ? "d" : "v")) || section.querySelector("h2");
      delete section.dataset.focus;
      opener = null;
      if (!place.matches("a")) place.tabIndex = -1;
      place.focus();
    }
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.target && (dialog.contains(event.detail.target) || event.detail.target.id === "van-ban")) complain(event.detail.xhr.responseText.slice(0, 300));
  });
  document.addEventListener("htmx:sendError", () => { if (dialog.open) complain(inWords("Không nối được với đài. Hãy thử lại.")); });
  dialog.addEventListener("close", () => { quiet(); if (opener && opener.isConnected) opener.focus(); });

  // --- any words of the text -------------------------------------------------------------------------
  const pick = document.querySelector(".pick");

  /** The words chosen in one text: where they begin and end, in characters as the station counts them. */
  function picked() {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
    const range = selection.getRangeAt(0), box = elementOf(range.commonAncestorContainer).closest("[data-fix]");
    if (!box || !range.toString().trim()) return null;
    const before = document.createRange();
    before.selectNodeContents(box);
    before.setEnd(range.startContainer, range.startOffset);
    const start = lengthOf(before), text = range.toString();
    return { box, text, start, end: start + [...text].length };
  }
  function elementOf(node) { return node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement; }
  function lengthOf(range) { return [...range.toString()].length; }  // an emoji is one character there

  document.addEventListener("selectionchange", () => {
    const found = picked();
    if (chosen && !found) return;
    pick.hidden = !found;
    if (found) pick.firstElementChild.textContent = inWords("Sửa cách đọc “%(words)s”", { words: found.text.trim().slice(0, 40) });
  });
  // The press itself may end the selection, on some telephones in spite of this: it is kept from before.
  let chosen = null;
  pick.addEventListener("pointerdown", () => { chosen = picked(); });
  pick.addEventListener("mousedown", (event) => event.preventDefault());
  pick.addEventListener("click", () => {
    const found = picked() || chosen;
    chosen = null;
    if (!found) return;
    document.getSelection().removeAllRanges();
    pick.hidden = true;
    open(`${found.box.dataset.fix}?tu=${found.start}&den=${found.end}`);
  });

  function showScripted() {
    document.querySelectorAll(".with-script").forEach((hint) => { hint.hidden = false; });
  }
  showScripted();
})();
