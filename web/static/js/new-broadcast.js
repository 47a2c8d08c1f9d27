// "Phát bản tin mới": what was chosen or filled in is kept when going back, and a sound still being made is waited for.
(function () {
  const form = document.querySelector("form[data-keep]");
  if (!form) return;

  // --- what was chosen, until this window closes ------------------------------------------------------
  const PREFIX = `loa-phat-moi:${form.dataset.keep} `, key = PREFIX + location.pathname + location.search;
  const KEPT = /^(slots|area_ids|group_ids|start_date|at|waived_why|blank_\d+)$/;

  function chosen() { return [...new FormData(form)].filter(([name]) => KEPT.test(name)); }
  function keep() {
    try { sessionStorage.setItem(key, JSON.stringify(chosen())); } catch { /* forbidden: only the help is lost */ }
  }
  function kept() {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; }
  }
  function restore(found) {
    for (const element of form.elements) {
      if (!KEPT.test(element.name)) continue;
      const values = found.filter(([name]) => name === element.name).map(([, value]) => value);
      if (element.type === "checkbox") {
        element.checked = values.includes(element.value);
        element.dataset.own = element.checked ? "1" : "";  // what forms.js gives back to a box below an area
      }
      else if (values.length) element.value = values[0];
    }
    const own = form.elements.at && form.elements.at.closest("details");
    if (own && form.elements.at.value) own.open = true;
    const tree = form.querySelector("[data-tree]");
    if (tree) tree.dispatchEvent(new Event("change", { bubbles: true }));
    else if (window.htmx) htmx.trigger(form, "again");
  }
  function forget() {
    try { sessionStorage.removeItem(key); } catch { /* as above */ }
  }
  function isTouched(element) {
    if (!KEPT.test(element.name) || element.disabled) return false;
    return element.type === "checkbox" ? element.checked !== element.defaultChecked : element.value !== element.defaultValue;
  }
  form.addEventListener("change", keep);
  const before = kept();
  const isFresh = !form.querySelector("[aria-invalid=true], .mistake");
  if ([...form.elements].some(isTouched)) keep();  // a quick hand was here before this script
  else if (before && isFresh && JSON.stringify(before) !== JSON.stringify(chosen())) restore(before);
  if (!("waitsForSound" in form.dataset)) return;
  try {  // a notice that became this bulletin begins empty next time
    Object.keys(sessionStorage).filter((each) => each.startsWith(PREFIX + "/phat-moi?")).forEach((each) => sessionStorage.removeItem(each));
  } catch { /* as above */ }

  // --- waiting for the sound --------------------------------------------------------------------------
  const waiting = form.querySelector("[data-waiting]");
  const part = document.getElementById("am-thanh");
  let button = null;

  function state() {
    const found = part && part.querySelector("[data-sound]");
    return found ? found.dataset.sound : "ready";
  }
  document.addEventListener("submit", (event) => {
    if (event.target !== form) return;
    if (state() !== "making") return forget();  // handed in: another time it begins anew
    event.preventDefault();
    event.stopPropagation();  // not sent yet: forms.js must not take it for that
    button = event.submitter;
    waiting.hidden = false;
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== part || !button || state() === "making") return;
    const pressed = button;
    button = null;
    waiting.hidden = true;
    if (state() === "ready") form.requestSubmit(pressed);
    else part.scrollIntoView({ block: "nearest" });
  });
})();
