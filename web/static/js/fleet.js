// Ticking many receivers at once; without it each is ticked alone.
(function () {
  function dress() {
    document.querySelectorAll("[data-pick]").forEach((form) => {
      const all = form.querySelector("[data-pick-all]"), go = form.querySelector("[data-pick-go]");
      if (!all || !go) return;
      const boxes = [...form.querySelectorAll('input[name="r"]')], every = all.querySelector("input");
      all.hidden = boxes.length < 2;
      const show = () => {
        const number = boxes.filter((box) => box.checked).length;
        go.textContent = number ? go.dataset.pickSome.replace("%(n)s", number) : go.dataset.pickNone;
        go.disabled = number === 0;
        every.checked = number > 0 && number === boxes.length;
        every.indeterminate = number > 0 && number < boxes.length;
      };
      every.addEventListener("change", () => {
        boxes.forEach((box) => { box.checked = every.checked; });
        show();
      });
      boxes.forEach((box) => box.addEventListener("change", show));
      show();
    });
  }
  document.addEventListener("htmx:afterSwap", dress);
  dress();
})();
