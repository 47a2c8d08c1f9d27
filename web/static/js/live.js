// Keeps the parts marked with hx-trigger="live:…" up to date: by server-sent events while the page is seen,
// by asking now and then where those are refused or cut, and rarely while nobody looks.
(function () {
  if (!document.querySelector("[data-digest]") || !window.htmx) return;

  const TOPICS = ["broadcasts", "bulletins", "receivers"];
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

  document.addEventListener("htmx:configRequest", (event) => {
    const seen = event.detail.elt.dataset.digest;
    if (seen) event.detail.headers["X-Seen"] = seen;
  });

  // Keep what the reader opened and where the keyboard stands.
  let opened = [], focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (!target.dataset.digest) return;
    opened = [...target.querySelectorAll("details[open][id]")].map((details) => details.id);
    const active = document.activeElement;
    focused = target.contains(active) ? active.id || active.getAttribute("href") : null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target, digest = event.detail.xhr.getResponseHeader("X-Digest");
    if (!digest) return;
    target.dataset.digest = digest;
    opened.forEach((id) => { const details = document.getElementById(id); if (details) details.open = true; });
    if (!focused) return;
    const again = document.getElementById(focused) || target.querySelector(`[href="${CSS.escape(focused)}"]`);
    if (again) again.focus({ preventScroll: true });
  });

  if (document.hidden) ask(ASK_HIDDEN_SECONDS); else open();
})();
