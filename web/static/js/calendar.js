// The calendar in the hand: a drag opens the panel, where the move is tried and told before it is kept; closed without
// that, it goes back. What may be is for the station to say: here only quiet hours are known beforehand.
(function () {
  const box = document.querySelector("[data-calendar]"), dialog = document.getElementById("lich-hop");
  if (!box || !dialog || !window.FullCalendar || !window.loaCalendar) return;
  const view = window.loaCalendar, find = (name) => box.querySelector(`[data-${name}]`);
  const list = document.getElementById("danh-sach"), said = document.getElementById("lich-bao");
  let quiet = [], putBack = null, denied = "", late = false;

  // -- what is shown ------------------------------------------------------------------------------

  function trouble(text) {
    const place = find("trouble");
    place.textContent = text;
    place.hidden = !text;
  }

  async function read(info, done, failed) {
    const asked = new URLSearchParams({ tu: view.iso(info.start), den: view.iso(info.end) });
    try {
      const answer = await fetch(`${box.dataset.feed}?${asked}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || !answer.headers.get("Content-Type").includes("json")) throw new Error(String(answer.status));
      const told = await answer.json();
      quiet = told.quiet;
      head(told.days);
      trouble("");
      done([...told.events.map(view.event), ...view.behind(told.sessions, "session"), ...view.behind(told.quiet, "quiet")]);
    } catch (error) {
      trouble(inWords("Không tải được lịch. Hãy kiểm tra mạng rồi tải lại trang."));
      failed(error);
    }
  }

  function head(days) {
    calendar.setOption("dayHeaderContent", view.headOf(days));
    calendar.setOption("dayCellContent", view.cellOf(days));
  }

  function turned(info) {
    find("title").textContent = view.title(info.view);
    box.querySelectorAll("[data-show]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.show === info.view.type));
    });
    relist(view.iso(info.start), view.iso(info.end));
  }

  // The list below shows the same days.
  function relist(first, last) {
    const address = `${box.dataset.list}?${new URLSearchParams({ tu: first, den: last })}`;
    if (!list || list.getAttribute("hx-get") === address) return;
    list.setAttribute("hx-get", address);
    list.dataset.digest = "";
    htmx.process(list);
    htmx.ajax("GET", address, { source: list, target: list, swap: "innerHTML" });
  }

  function again() {
    if (dialog.open) { late = true; return; }
    late = false;
    calendar.refetchEvents();
  }

  function relistNow() {
    if (list) htmx.ajax("GET", list.getAttribute("hx-get"), { source: list, target: list, swap: "innerHTML" });
  }

  // -- the panel ----------------------------------------------------------------------------------

  function open(address, back) {
    putBack = back || null;
    htmx.ajax("GET", address, { target: "#lich-trong", swap: "innerHTML" });
    if (!dialog.open) dialog.showModal();
  }

  function close() {
    if (dialog.open) dialog.close();
  }

  function back() {
    if (putBack) putBack();
    putBack = null;
  }

  function panelOf(event, to) {
    const told = event.extendedProps, asked = new URLSearchParams({ ban: told.version, ...to });
    return `${told.panel}${told.panel.includes("?") ? "&" : "?"}${asked}`;
  }

  function tell(text) {
    const note = document.createElement("p");
    note.className = "note doubt";
    note.textContent = text;
    said.replaceChildren(note);
  }

  dialog.addEventListener("close", () => {
    back();
    document.getElementById("lich-trong").replaceChildren();
    if (late) again();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) return close();
    const link = event.target.closest("a[data-panel]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return undefined;
    event.preventDefault();
    const mark = link.dataset.panel.includes("?") ? "&" : "?";
    return open(link.dataset.panel + mark + new URLSearchParams({ ban: link.dataset.version || "" }));
  });

  // A refusal is an answer too: the panel shows it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!dialog.contains(event.detail.target) || event.detail.xhr.status < 400) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
    if (!dialog.open) dialog.showModal();  // of what could not be taken back
  });
  document.body.addEventListener("lichTuChoi", back);
  document.body.addEventListener("lichCu", () => { back(); calendar.refetchEvents(); relistNow(); });
  document.body.addEventListener("lichDoi", () => {
    putBack = null;
    close();
    calendar.refetchEvents();
    relistNow();
    said.scrollIntoView({ block: "nearest" });
  });
  ["live:broadcasts", "live:schedules"].forEach((name) => document.body.addEventListener(name, again));

  // A way out of a conflict: another hour.
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest('button[data-fill="at"]');
    const field = button && dialog.querySelector("[name=to_time]");
    if (!field) return;
    field.value = button.dataset.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });

  // -- the hand -----------------------------------------------------------------------------------

  function quietAt(date) {
    const at = view.minute(date);
    return quiet.find((span) => span.start.slice(0, 16) <= at && at < span.end.slice(0, 16));
  }

  function allow(to) {
    const span = to.allDay ? null : quietAt(to.start);
    denied = span ? span.title : "";
    return !span;
  }

  function dropped(info) {
    denied = "";
    open(panelOf(info.event, { luc: view.minute(info.event.start) }), info.revert);
  }

  function stretched(info) {
    denied = "";
    const { event } = info, told = event.extendedProps;
    if (!told.stretches) {
      info.revert();
      return tell(inWords("Bản tin này dài bằng âm thanh của nó nên không kéo dài hay rút ngắn được. Chỉ đổi được thời lượng của tiếp sóng và của chương trình có giờ riêng."));
    }
    const minutes = Math.max(1, Math.round((event.end - event.start) / 60000));
    return open(panelOf(event, { luc: view.minute(event.start), phut: minutes }), info.revert);
  }

  function stopped() {
    if (denied) tell(inWords("Không thả vào đây được: %(hours)s là giờ không phát của đài. Lượt vẫn ở chỗ cũ.", { hours: denied }));
    denied = "";
  }

  function pressed(info) {
    if (!box.dataset.new) return;
    const at = info.allDay ? `${info.dateStr.slice(0, 10)}T07:00` : view.minute(info.date);
    open(`${box.dataset.new}?${new URLSearchParams({ luc: at })}`);
  }

  // -- the calendar -------------------------------------------------------------------------------

  const phone = window.matchMedia("(max-width: 767px)").matches;
  const wanted = { tuan: "timeGridWeek", thang: "dayGridMonth", ngay: "timeGridDay" }[box.dataset.view];
  const opened = Date.now(), servedAt = Date.parse(`${box.dataset.now}Z`);
  const calendar = new FullCalendar.Calendar(find("grid"), {
    locale: document.documentElement.lang, timeZone: "UTC", now: () => new Date(servedAt + Date.now() - opened).toISOString(),
    initialView: wanted || (phone ? "timeGridDay" : "timeGridWeek"), initialDate: box.dataset.date,
    headerToolbar: false, allDaySlot: false, nowIndicator: true, firstDay: 1, height: phone ? "70vh" : "78vh",
    scrollTime: "05:00", slotEventOverlap: false,
    slotDuration: "00:15", slotLabelInterval: "01:00",  // a finer snap would let go beside where the hand is
    slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false }, defaultTimedEventDuration: "00:01",
    forceEventDuration: true, eventMinHeight: 24, eventShortHeight: 24, expandRows: false, dayMaxEvents: phone ? 2 : 4,
    eventInteractive: true, editable: true, longPressDelay: 400, eventOrder: "start,title", handleWindowResize: true,
    moreLinkClick: "timeGridDay", moreLinkContent: (arg) => inWords("+%(n)s lượt", { n: arg.num }),
    moreLinkHint: (n) => inWords("Xem thêm %(n)s lượt", { n }), closeHint: inWords("Đóng"),
    eventContent: view.runOf, events: read, datesSet: turned, eventAllow: allow, eventDrop: dropped,
    eventResize: stretched, eventDragStop: () => setTimeout(stopped), dateClick: pressed,
    eventClick: (info) => {
      info.jsEvent.preventDefault();
      if (info.event.display !== "background") open(panelOf(info.event, {}));
    },
    dayCellDidMount: (info) => {  // what scrolls is scrolled by keys too, where no run can be reached by them
      if (info.date.getTime() === info.view.activeStart.getTime()) info.el.tabIndex = 0;
    },
    eventDidMount: (info) => {
      if (info.event.display === "background") return;
      const told = info.event.extendedProps;
      info.el.title = [told.places, told.note, told.whyNot || told.fixed].filter(Boolean).join(". ");
    },
  });

  box.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => calendar[button.dataset.step]()));
  box.querySelectorAll("[data-show]").forEach((button) => button.addEventListener("click", () => calendar.changeView(button.dataset.show)));
  box.hidden = false;
  calendar.render();
})();
