// Holding a button for three seconds in place of typing a word, and the words of a template as its blanks are filled.
(function () {
  const HOLD = 3000;

  function dress(form) {
    if ("held" in form.dataset) return;
    form.dataset.held = "";
    const field = form.querySelector("[name=sure]"), button = form.querySelector("button.big"), word = form.dataset.hold;
    if (!field || !button) return;
    const typed = document.createElement("details"), summary = document.createElement("summary"), hint = document.createElement("small");
    typed.className = "more";
    summary.textContent = inWords("Không giữ được nút?");
    const box = field.closest(".field");
    box.replaceWith(typed);
    typed.append(summary, box);
    if (box.querySelector(".error")) typed.open = true;
    hint.className = "hint";
    hint.setAttribute("role", "status");
    hint.textContent = inWords("Lệnh phát ở mọi đầu thu: giữ nút 3 giây.");
    button.after(hint);

    let timer = 0;
    function release() {
      if (!timer) return;
      clearTimeout(timer);
      timer = 0;
      button.classList.remove("holding");
    }
    function press() {
      if (timer || form.dataset.sent) return;
      button.classList.add("holding");
      timer = setTimeout(() => {
        release();
        field.value = word;
        form.requestSubmit(button);
      }, HOLD);
    }
    button.addEventListener("pointerdown", (event) => { if (event.button === 0) press(); });
    ["pointerup", "pointerleave", "pointercancel", "blur"].forEach((name) => button.addEventListener(name, release));
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); press(); } });
    button.addEventListener("keyup", release);
    // A tap alone sends nothing, unless the word was typed.
    button.addEventListener("click", (event) => {
      if (event.isTrusted && !field.value.trim()) {
        event.preventDefault();
        hint.textContent = inWords("Hãy giữ nút đủ 3 giây rồi thả tay.");
      }
    });
  }

  function fill(form) {
    const shown = form.querySelector("[data-words]");
    if (!shown) return;
    const blanks = [...new Set([...document.querySelectorAll(".blanks input")])];
    function show() {
      let words = shown.dataset.words;
      blanks.forEach((input) => {
        if (input.value.trim()) words = words.replaceAll(`[${input.dataset.blank}]`, input.value.trim());
      });
      shown.textContent = words;
    }
    form.addEventListener("input", show);
    show();
  }

  function look(root) {
    root.querySelectorAll("form[data-hold]").forEach(dress);
    root.querySelectorAll("form[data-order]").forEach(fill);
  }
  look(document);
  document.addEventListener("htmx:load", (event) => look(event.detail.elt.parentElement || event.detail.elt));
})();
