// The switch of the look: light, dark, as the device; and large type. The page changes at once and nothing typed is lost;
// the cookie that the answer brings makes the next pages so.
(function () {
  const root = document.documentElement;
  const SHEETS = { auto: "screen and (prefers-color-scheme: dark)", light: "not all", dark: "screen" };

  function show(theme) {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    document.querySelector("link[data-dark]").media = SHEETS[theme];
    document.querySelector('meta[name="color-scheme"]').content = theme === "auto" ? "light dark" : theme;
    const dark = matchMedia(SHEETS[theme]).matches;
    document.querySelectorAll('meta[name="theme-color"]').forEach((meta) => { if (!meta.media) meta.content = dark ? "#1a2327" : "#ffffff"; });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("[data-look]") || !button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const chosen = new FormData(form);
    chosen.delete("back");
    chosen.set(button.name, button.value);
    const pressed = (one, is) => one.setAttribute("aria-pressed", String(is));
    if (button.name === "theme") {
      show(button.value);
      form.querySelectorAll("[name=theme]").forEach((one) => pressed(one, one === button));
    } else {
      root.dataset.size = button.value;
      pressed(button, button.value === "large");
      button.value = button.value === "large" ? "usual" : "large";
    }
    const kept = fetch(form.action, { method: "POST", body: chosen });
    kept.then(() => document.dispatchEvent(new Event("loa:look")), () => { /* without a network: this page alone */ });
  }, true);

  // Pico's own colours are dark on paper too, where dark was chosen.
  addEventListener("beforeprint", () => { root.dataset.printed = root.dataset.theme || "auto"; root.dataset.theme = "light"; });
  addEventListener("afterprint", () => {
    if (root.dataset.printed === "auto") delete root.dataset.theme; else root.dataset.theme = root.dataset.printed;
    delete root.dataset.printed;
  });
})();
