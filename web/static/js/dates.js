// Dates are typed as 21/11/2026 and times as 17:05, whatever language the browser speaks. The marks between the
// digits come by themselves, and the browser's calendar, where it has one, fills the same field.
(function () {
  const two = (n) => String(n).padStart(2, "0");

  function punctuate(input, mark, at) {
    input.addEventListener("input", (event) => {
      if (event.inputType && event.inputType.startsWith("delete")) return;
      if (input.selectionStart !== input.value.length || !/^[\d/:]*$/.test(input.value)) return;
      const digits = input.value.replace(/\D/g, "");
      const ends = [...at, mark === "/" ? 8 : 4];
      let text = "", from = 0;
      ends.forEach((end, place) => {
        if (digits.length <= from && from > 0) return;
        text += digits.slice(from, end);
        if (digits.length >= end && place < ends.length - 1) text += mark;
        from = end;
      });
      // What a person punctuated is left alone: 5/6/2026 is a date too.
      if (input.value.replace(/\D/g, "") === input.value || text.startsWith(input.value)) input.value = text;
    });
  }

  function addPicker(input) {
    const native = document.createElement("input");
    native.type = "date";
    if (native.type !== "date" || !native.showPicker) return;
    native.tabIndex = -1;
    native.setAttribute("aria-hidden", "true");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", inWords("Chọn ngày trên lịch"));
    button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="' + document.body.dataset.icons + '#schedules"></use></svg>';
    const frame = document.createElement("div");
    frame.className = "with-picker";
    input.replaceWith(frame);
    frame.append(input, native, button);
    button.addEventListener("click", () => {
      const found = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(input.value.trim());
      native.value = found ? `${found[3]}-${two(found[2])}-${two(found[1])}` : "";
      native.showPicker();
    });
    native.addEventListener("change", (event) => {
      event.stopPropagation();
      if (!native.value) return;
      input.value = native.value.split("-").reverse().join("/");
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  // An hour alone is that hour: "18", and the "18:" that the mark above makes of it.
  function completeHour(input) {
    const found = /^(\d{1,2})\s*(?::|h|g|gi\u1edd)?$/i.exec(input.value.trim());
    if (!found || found[1] > 23) return false;
    input.value = `${two(found[1])}:00`;
    return true;
  }

  function complete(input) {
    input.addEventListener("change", () => completeHour(input));
    // A browser may give no "change" once a script has set the value.
    input.addEventListener("blur", () => {
      if (completeHour(input)) input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  document.querySelectorAll("input[data-date]").forEach((input) => { punctuate(input, "/", [2, 4]); addPicker(input); });
  document.querySelectorAll("input[data-clock]").forEach((input) => { punctuate(input, ":", [2]); complete(input); });
})();
