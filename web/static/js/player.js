// Fills the drawn wave while its sound plays, and starts from where the wave is pressed.
(function () {
  function player(element) {
    const found = element && element.closest("[data-player]");
    return found && { audio: found.querySelector("audio"), wave: found.querySelector(".wave"), heard: found.querySelector("[data-heard]") };
  }
  // Events of <audio> do not bubble: caught on the way down, so that swapped-in players work too.
  ["timeupdate", "seeked", "ended"].forEach((name) => document.addEventListener(name, (event) => {
    const parts = player(event.target);
    if (parts && parts.audio.duration) parts.heard.setAttribute("width", 200 * parts.audio.currentTime / parts.audio.duration);
  }, true));
  document.addEventListener("click", (event) => {
    const wave = event.target.closest && event.target.closest(".wave"), parts = player(wave);
    if (!parts || !parts.audio.duration) return;
    const box = wave.getBoundingClientRect();
    parts.audio.currentTime = parts.audio.duration * (event.clientX - box.left) / box.width;
    parts.audio.play();
  });
})();
