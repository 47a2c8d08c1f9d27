// The page in place of one that could not be asked for: what is known, since when, and trying again by itself. A page is
// asked for again; an order never is.
(function () {
  const isSent = document.querySelector('meta[name="kept-page"]').content === "no-answer";
  const here = location.pathname, isOrder = isSent || here.startsWith("/khan-cap");
  const find = (name) => document.querySelector(`[data-${name}]`);
  const SHELLS = ["/mat-mang", "/khong-tra-loi"];

  document.querySelectorAll("[data-for]").forEach((part) => { part.hidden = (part.dataset.for === "orders") !== isOrder; });
  // A page that answers an order would send it once more when loaded again: this entry becomes one that only looks.
  if (isSent) history.replaceState(null, "", "/khan-cap");

  const heard = station.heard();
  if (heard) find("since").textContent = inWords("Không nghe được đài từ %(time)s.", { time: station.time(heard) });

  function list(within, lines) {
    lines.forEach((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      within.append(item);
    });
  }
  const known = station.known();
  if (known) {
    list(find("standing"), known.standing.length ? known.standing : [inWords("Không có lệnh khẩn cấp nào đang phát hoặc đang chờ.")]);
    find("known-at").textContent = inWords("Biết lúc %(time)s; từ đó có thể đã khác.", { time: station.time(known.at) });
  }
  if (known && known.canned.length) {
    list(find("canned").querySelector("ul"), known.canned);
    find("canned").hidden = false;
  }

  function back() {
    if (isSent) {
      find("trying").innerHTML = "<b></b> <a href='/khan-cap'></a>";
      find("trying").firstElementChild.textContent = inWords("Đã có mạng lại.");
      find("trying").lastElementChild.textContent = inWords("Xem trang Khẩn cấp");
    } else if (SHELLS.includes(here)) location.replace("/");
    else location.reload();
  }
  document.addEventListener("loa:network", (event) => { if (!event.detail.down) back(); });
  async function first() { if (await station.ask()) back(); }
  find("retry").addEventListener("click", station.ask);
  find("back").addEventListener("click", () => history.back());
  addEventListener("online", station.ask);
  first();
})();
