// Counts down to what carries data-until (ms UTC), and then says data-over, by the server's clock: an office PC's may be wrong.
(function () {
  const served = document.querySelector('meta[name="server-now"]');
  const ahead = served ? Number(served.content) - Date.now() : 0;

  function words(ms) {
    const seconds = Math.ceil(ms / 1000);
    const two = (n) => String(n).padStart(2, "0");
    if (seconds >= 3600) return inWords("còn %(hours)s giờ %(minutes)s phút", { hours: Math.floor(seconds / 3600), minutes: two(Math.floor(seconds / 60) % 60) });
    return inWords("còn %(minutes)s:%(seconds)s", { minutes: Math.floor(seconds / 60), seconds: two(seconds % 60) });
  }

  function tick() {
    const now = Date.now() + ahead;
    document.querySelectorAll("[data-until]").forEach((element) => {
      const left = Number(element.dataset.until) - now;
      const text = left > 0 ? words(left) : element.dataset.over || inWords("đã đến giờ");
      if (element.textContent !== text) element.textContent = text;
    });
  }

  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
})();
