// The running order of a programme, dragged by its grip: with a mouse, a pen or a finger. Buttons do the same.
(function () {
  const form = document.querySelector("[data-programme]");
  if (!form || !window.htmx) return;
  form.classList.add("draggable");

  // What follows from the order is worked out in one place only: the station. One question at a time, each with the form
  // as the answer before left it, so that no press is lost and none counts twice.
  const UNHEARD = new Set(["tim", "name", "waived_why", "seen"]);
  let queue = Promise.resolve(), waiting = 0;

  function ask(change) {
    waiting += 1;
    queue = queue
      .then(() => htmx.ajax("POST", form.dataset.programme, {
        // Not the form itself: htmx would send the button it saw pressed last once more.
        source: form.querySelector("[data-lines]"), target: "#thu-tu", swap: "outerHTML", values: change ? { change } : {},
      }))
      .catch(() => {})
      .then(() => { waiting -= 1; });
  }

  form.addEventListener("change", (event) => { if (!UNHEARD.has(event.target.name)) ask(); });
  form.addEventListener("click", (event) => {
    const button = event.target.closest('button[name="change"]');
    if (!button || button.value === "search") return;
    event.preventDefault();
    const isOfPlace = /^(up|down|remove)-/.test(button.value);
    if (!isOfPlace || !waiting) ask(button.value);  // places are those of the list that is shown
  });

  let line = null, before = "";
  const order = () => [...form.querySelectorAll("[data-line]")];
  const places = () => order().map((each) => each.dataset.at).join();

  function begin(event) {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button) return;
    event.preventDefault();
    line = grip.closest("[data-line]");
    order().forEach((each, place) => { each.dataset.at = place; });
    before = places();
    line.classList.add("dragged");
    form.setPointerCapture(event.pointerId);  // not the grip: it leaves the page for a moment whenever it moves
  }

  function move(event) {
    if (!line) return;
    if (!line.isConnected || !event.buttons) { line = null; return; }  // the list was made anew, or the end was not told
    for (const other of order()) {
      if (other === line) continue;
      const box = other.getBoundingClientRect(), middle = box.top + box.height / 2;
      const isAbove = !!(other.compareDocumentPosition(line) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (isAbove && event.clientY < middle) { other.before(line); return; }
      if (!isAbove && event.clientY > middle) other.after(line);
    }
  }

  function end() {
    if (!line) return;
    line.classList.remove("dragged");
    line = null;
    if (places() !== before) ask();
  }

  // A way out of a conflict: another time is a time of its own.
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    const field = button && form.elements[button.dataset.fill];
    if (!field) return;
    if (button.dataset.fill === "at") form.elements.slot.value = "";
    field.value = button.dataset.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });

  form.addEventListener("pointerdown", begin);
  form.addEventListener("pointermove", move);
  form.addEventListener("pointerup", end);
  form.addEventListener("pointercancel", end);
})();
