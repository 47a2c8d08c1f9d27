// Keeps the parts marked with hx-trigger="live:…" up to date: by server-sent events while the page is seen,
// by asking now and then where those are refused or cut, and rarely while nobody looks.
(function () {
  if (!document.querySelector("[data-digest]") || !window.htmx) return;

  const TOPICS = ["broadcasts", "bulletins", "receivers", "schedules"];
  const ASK_SECONDS = 5, ASK_HIDDEN_SECONDS = 60, RETRY_SECONDS = 60;
  let stream = null, asking = null, retry = null;

  function tell(topics) {
    topics.forEach((topic) => htmx.trigger(document.body, "live:" + topic));
  }

  function ask(seconds) {
    clearInterval(asking);
    asking = seconds ? setInterval(() => tell(TOPICS), seconds * 1000) : null;
  }

  function open() {
    if (stream || !window.EventSource) return ask(ASK_SECONDS);
    stream = new EventSource("/truc-tiep");
    stream.addEventListener("open", () => ask(0));
    stream.addEventListener("changed", (event) => tell(event.data.split(" ")));
    stream.addEventListener("error", () => {
      ask(ASK_SECONDS);
      dispatchEvent(new Event("loa:lost"));
      if (stream.readyState === EventSource.CLOSED) {  // refused: full, or signed out
        close();
        clearTimeout(retry);
        retry = setTimeout(open, RETRY_SECONDS * 1000);
      }
    });
  }

  function close() {
    if (stream) stream.close();
    stream = null;
  }

  // A browser allows six connections to one station: hidden pages must not hold them.
  function look() {
    if (document.hidden) {
      close();
      ask(ASK_HIDDEN_SECONDS);
    } else {
      tell(TOPICS);
      open();
    }
  }

  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => { if (event.persisted) look(); });
  document.addEventListener("loa:network", (event) => { if (!event.detail.down) look(); });

  document.addEventListener("htmx:configRequest", (event) => {
    const seen = event.detail.elt.dataset.digest;
    if (seen) event.detail.headers["X-Seen"] = seen;
  });

  // What the reader has in hand is not taken away: something typed or ticked, a refusal, a sound half heard.
  function isTyped(field) {
    if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
    return field.type !== "hidden" && field.value !== field.defaultValue;
  }

  function inHand(part) {
    if (part.querySelector(".mistake, small.error, [aria-invalid=true]")) return true;
    if ([...part.querySelectorAll("input, textarea")].some(isTyped)) return true;
    // Who is about to decide must not find another sound where the one just heard was.
    const deciding = part.querySelector(".decision");
    const isHeard = (audio) => !audio.paused || (audio.currentTime > 0 && (deciding || !audio.ended));
    return !part.dataset.renew && [...part.querySelectorAll("audio")].some(isHeard);
  }

  function offer(part) {
    if (part.previousElementSibling && part.previousElementSibling.matches("[data-newer]")) return;
    const note = document.createElement("div"), page = part.closest("[data-page]");
    note.className = "note wait";
    note.dataset.newer = "";
    note.setAttribute("role", "status");
    note.innerHTML = '<p><span></span> <a role="button" class="outline small"></a></p>';
    note.querySelector("span").textContent = inWords("Trang có thay đổi mới.");
    note.querySelector("a").textContent = inWords("Tải lại");
    note.querySelector("a").href = page ? page.dataset.page : location.pathname + location.search;
    part.before(note);
  }

  // Who has just changed something here wants to see what became of it: what was heard is out of date.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, requestConfig, successful } = event.detail;
    if (elt.dataset.digest) delete elt.dataset.renew;
    if (!successful || requestConfig.verb !== "post") return;
    document.querySelectorAll("[data-digest]").forEach((part) => { part.dataset.renew = "1"; });
  });

  // Keep what the reader opened and where the keyboard stands.
  let opened = [], focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (!target.dataset.digest || !event.detail.shouldSwap) return;
    if (inHand(target)) {
      event.detail.shouldSwap = false;
      return offer(target);
    }
    opened = [...target.querySelectorAll("details[open][id]")].map((details) => details.id);
    const active = document.activeElement;
    focused = target.contains(active) ? active.id || active.getAttribute("href") : null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target, digest = event.detail.xhr.getResponseHeader("X-Digest");
    if (!digest) return;
    target.dataset.digest = digest;
    if (target.previousElementSibling && target.previousElementSibling.matches("[data-newer]")) target.previousElementSibling.remove();
    opened.forEach((id) => { const details = document.getElementById(id); if (details) details.open = true; });
    if (!focused) return;
    const again = document.getElementById(focused) || target.querySelector(`[href="${CSS.escape(focused)}"]`);
    if (again) again.focus({ preventScroll: true });
  });

  if (document.hidden) ask(ASK_HIDDEN_SECONDS); else open();
})();
