// Ways out of a conflict: leave out the receivers concerned, in the boxes of the form or in its field of ids.
// (What fills in a single field is the form's own business.)
(function () {
  const tell = (field) => field.dispatchEvent(new Event("change", { bubbles: true }));

  function tick(ids, form) {
    const boxes = [...form.querySelectorAll('input[type="checkbox"][name="except_ids"]')].filter((box) => ids.includes(box.value));
    boxes.forEach((box) => { box.checked = true; });
    return boxes[0];
  }

  function write(ids, form) {
    const field = form.querySelector('[name="except_text"]');
    if (!field) return null;
    const known = field.value.split(/[\s,;]+/).filter(Boolean);
    field.value = [...new Set([...known, ...ids])].join(", ");
    return field;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-leave-out]");
    const form = button && button.closest("form");
    if (!form) return;
    const ids = button.dataset.leaveOut.split(" ");
    const changed = tick(ids, form) || write(ids, form);
    if (!changed) return;
    const folded = changed.closest("details");
    if (folded) folded.open = true;
    tell(changed);
    changed.focus();
  });
})();
