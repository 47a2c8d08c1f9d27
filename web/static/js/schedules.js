// The form of a schedule: the station's sessions, and the ways out of a conflict, fill in its fields.
(function () {
  document.querySelectorAll("[data-quick]").forEach((line) => { line.hidden = false; });

  function changed(field) {
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function fill(form, button) {
    const field = form.querySelector(`[name="${button.dataset.fill}"]`);
    if (!field) return;
    field.value = button.dataset.value;
    field.closest("details")?.setAttribute("open", "");
    changed(field);
    field.focus();
  }

  // Receivers are ticked one by one, or written by their ids where there are too many for that.
  function leaveOut(form, ids) {
    const boxes = [...form.querySelectorAll('[name="except_ids"]')], text = form.querySelector('[name="except_text"]');
    const ticked = boxes.filter((box) => ids.includes(box.value));
    ticked.forEach((box) => { box.checked = true; });
    if (text) text.value = [text.value.trim(), ...ids].filter(Boolean).join(", ");
    const first = ticked[0] || text;
    if (!first) return;
    first.closest("details")?.setAttribute("open", "");
    changed(first);
    first.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-fill], button[data-leave-out]");
    const form = button && document.getElementById("dat-lich");
    if (!form) return;
    if (button.dataset.fill) fill(form, button);
    else leaveOut(form, button.dataset.leaveOut.split(" "));
  });
})();
