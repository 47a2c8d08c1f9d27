// Says when the station cannot be reached, holds back what is sent meanwhile, and keeps on this device what the page of
// the emergencies knew last. Nothing held back is ever sent later by itself: a siren that comes late is a danger.
(function () {
  const CONTACT = "/lien-lac", PATIENCE_MS = 8000, AGAIN_MS = 5000, AGAIN_HIDDEN_MS = 60000;
  const KNOWN = "loa-da-biet", HEARD = "loa-nghe-dai", SHELL = "loa-trang-mat-mang";
  const served = document.querySelector('meta[name="server-now"]'), kept = document.querySelector('meta[name="kept-page"]');
  const zone = (served || kept).dataset.zone, who = document.body.dataset.who;

  const store = {
    get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden: only the help is lost */ } },
    drop(key) { try { localStorage.removeItem(key); } catch { /* as above */ } },
  };

  // --- the station's time, and when it was heard last ---------------------------------------------------
  const ahead = served ? Number(served.content) - Date.now() : (store.get(HEARD) || { ahead: 0 }).ahead;
  const now = () => Math.round(Date.now() + ahead);

  function time(ms) {
    const date = new Date(ms), day = (one) => one.toLocaleDateString("en-GB", { timeZone: zone });
    const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
    return day(date) === day(new Date(now())) ? clock : inWords("%(clock)s ngày %(day)s", { clock, day: day(date) });
  }

  let heard = served ? now() : (store.get(HEARD) || { at: null }).at;
  function hear() {
    heard = now();
    store.set(HEARD, { at: heard, ahead });
  }

  // --- asking whether it can be reached -----------------------------------------------------------------
  let isDown = false, asking = null, again = null;

  async function reach() {
    const patience = new AbortController(), timer = setTimeout(() => patience.abort(), PATIENCE_MS);
    try {
      const answer = await fetch(CONTACT, { cache: "no-store", credentials: "omit", redirect: "manual", signal: patience.signal });
      return answer.status === 204;  // anything else comes from whatever stands in between
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  // Never "is there a network?" of the browser: an office PC without one may be the station itself.
  function ask() {
    asking = asking || reach().then((isReached) => {
      asking = null;
      if (isReached) hear();
      learn(!isReached);
      return isReached;
    });
    return asking;
  }

  function learn(down) {
    clearTimeout(again);
    if (down) again = setTimeout(ask, document.hidden ? AGAIN_HIDDEN_MS : AGAIN_MS);
    if (down === isDown) return;
    isDown = down;
    document.dispatchEvent(new CustomEvent("loa:network", { detail: { down, heard } }));
  }

  window.station = { now, time, ask, known: () => store.get(KNOWN), heard: () => heard };
  if (kept) return;  // js/no-network.js has the rest there

  hear();
  ["offline", "online", "loa:lost"].forEach((name) => addEventListener(name, ask));
  ["htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, ask));
  document.addEventListener("htmx:afterOnLoad", hear);
  document.addEventListener("visibilitychange", () => { if (isDown && !document.hidden) ask(); });

  // --- what is said of it -------------------------------------------------------------------------------
  const banner = document.createElement("div");
  banner.className = "network-banner";
  banner.setAttribute("role", "alert");
  document.querySelector("main").before(banner);

  document.addEventListener("loa:network", ({ detail: { down } }) => {
    banner.textContent = down ? inWords("Mất mạng từ %(time)s. Trang này có thể đã cũ; việc bấm bây giờ chưa được gửi.", { time: time(heard) }) : "";
    if (!down) document.querySelectorAll(".not-sent").forEach((note) => { note.textContent = inWords("Đã có mạng lại. Việc này vẫn chưa gửi: hãy bấm lần nữa."); });
  });

  function refuse(form, button) {
    let note = form.querySelector(".not-sent");
    if (!note) {
      note = document.createElement("p");
      note.className = "mistake not-sent";
      note.setAttribute("role", "alert");
      const place = (button && (button.closest(".actions, .endings") || button)) || form.lastElementChild;
      place.before(note);
    }
    note.textContent = form.matches("[data-order-form]")
      ? inWords("Mất mạng: lệnh chưa gửi. Nội dung vẫn còn ở đây; có mạng lại, lệnh không tự gửi mà bạn phải bấm lần nữa.")
      : inWords("Mất mạng: chưa gửi. Nội dung vẫn còn ở đây; khi có mạng lại, hãy bấm lần nữa.");
    note.scrollIntoView({ block: "nearest" });
  }

  // An order asks first whether the station is there, anything else only while it seems away.
  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (form.method !== "post" || form.dataset.sent) return;
    if (form.dataset.reached) return delete form.dataset.reached;
    const isOrder = form.matches("[data-order-form]");
    if (!isOrder && !isDown) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.dataset.asking) return;
    if (form.elements.pressed) form.elements.pressed.value = now();
    form.dataset.asking = "1";
    if (button) button.setAttribute("aria-busy", "true");
    const isReached = await ask();
    delete form.dataset.asking;
    if (button) button.removeAttribute("aria-busy");
    if (!isReached) return refuse(form, button);
    form.dataset.reached = "1";
    form.requestSubmit(button);
  }, true);

  // --- what is kept on this device ----------------------------------------------------------------------
  function remember(at) {
    const standing = document.querySelector("#khan-cap [data-standing]") || document.querySelector("[data-standing]");
    const before = store.get(KNOWN), numbers = document.querySelector("[data-canned-lines]");
    if (!who) return store.drop(KNOWN);
    const mine = before && before.who === who ? before : {};
    const canned = numbers ? [...numbers.querySelectorAll("li")].map((line) => line.textContent.trim().replace(/\s+/g, " ")) : mine.canned;
    if (standing) store.set(KNOWN, { who, at, standing: JSON.parse(standing.dataset.standing), canned: canned || [] });
    return null;
  }
  remember(Number(served.content));
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "khan-cap") remember(now()); });
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-sign-out]")) store.drop(KNOWN); });

  if (!("serviceWorker" in navigator)) return;  // not over plain http from another machine
  const look = () => `${document.documentElement.lang} ${document.documentElement.dataset.theme || "auto"} ${document.documentElement.dataset.size}`;
  async function renew() {
    const registration = await navigator.serviceWorker.ready;
    if (store.get(SHELL) === look()) return;
    store.set(SHELL, look());
    registration.active.postMessage("renew");
  }
  addEventListener("load", () => {
    navigator.serviceWorker.register("/service-worker.js").then(renew).catch(() => { /* forbidden here: pages work as ever */ });
  });
  document.addEventListener("loa:look", renew);
})();
