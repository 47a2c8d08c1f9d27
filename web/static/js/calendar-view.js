// How the calendar looks: heads of days, what stands in a run, and what the station's file of a span becomes.
// All times are the station's wall clock without a zone: FullCalendar is told they are UTC, so the browser's own zone
// never matters.
(function () {
  const VIEWS = ["timeGridDay", "timeGridWeek", "dayGridMonth"];
  const WEEKDAYS = [
    inWords("CN"), inWords("T2"), inWords("T3"), inWords("T4"), inWords("T5"), inWords("T6"), inWords("T7"),
  ];
  const narrow = window.matchMedia("(max-width: 767px)");
  const two = (n) => String(n).padStart(2, "0");
  const iso = (date) => date.toISOString().slice(0, 10);
  const minute = (date) => date.toISOString().slice(0, 16);
  const clock = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;

  // FullCalendar puts its rules into this element, among them a font for icons that this page has none of and that the
  // page's policy refuses. Loaded before the library for that.
  const style = document.querySelector("style[data-fullcalendar]");
  if (style && style.sheet) {
    const { sheet } = style, insert = sheet.insertRule.bind(sheet);
    sheet.insertRule = (rule, at) => (rule.includes("@font-face") ? 0 : insert(rule, Math.min(at, sheet.cssRules.length)));
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  // T2 23/11, 14 by the moon, and what the day is.
  function headOf(days) {
    return (arg) => {
      const day = days[iso(arg.date)], name = WEEKDAYS[arg.date.getUTCDay()];
      if (arg.view.type === "dayGridMonth") return name;
      const frame = element("div", "day-head");
      const small = isSmall(arg.view), date = `${arg.date.getUTCDate()}${small ? "" : `/${arg.date.getUTCMonth() + 1}`}`;
      frame.append(element("span", "", `${name} ${date}`), ...aside(day, small));
      return { domNodes: [frame] };
    };
  }

  function cellOf(days) {
    return (arg) => {
      if (arg.view.type !== "dayGridMonth") return undefined;
      const frame = element("div", "day-head");
      frame.append(element("span", "", String(arg.date.getUTCDate())), ...aside(days[iso(arg.date)], isSmall(arg.view)));
      return { domNodes: [frame] };
    };
  }

  // Seven columns on a phone leave room for numbers.
  function isSmall(shown) {
    return narrow.matches && shown.type !== "timeGridDay";
  }

  function aside(day, small) {
    if (!day) return [];
    const short = small ? day.moon : inWords("âm %(day)s", { day: day.moon }), long = day.mark && !small;
    const found = [element("span", day.mark ? "moon mark" : "moon", long ? day.mark : short)];
    found[0].title = day.mark || inWords("ngày %(day)s âm lịch", { day: day.moon });
    if (day.name) {
      found.push(element("span", "day-name", small ? inWords("lễ") : day.name));
      found[1].title = day.name;
    }
    return found;
  }

  function runOf(arg) {
    const { event } = arg, told = event.extendedProps;
    if (event.display === "background") return { domNodes: [element("span", "behind", event.title)] };
    const frame = element("div", "run");
    frame.append(element("b", "", clock(event.start)), document.createTextNode(` ${event.title}`));
    [told.urgency, told.badge, told.note].filter(Boolean).forEach((word) => frame.append(element("span", "word", word)));
    return { domNodes: [frame] };
  }

  // One run of the station's answer as FullCalendar wants it.
  function event(run) {
    const end = run.end > run.start ? run.end : undefined;
    const movable = !run.fixed;
    return {
      id: run.id, title: run.title, start: run.start, end,
      classNames: [run.priority, run.whyNot ? "silent" : "", movable ? "movable" : "fixed"].filter(Boolean),
      startEditable: movable, durationEditable: movable, extendedProps: run,
    };
  }

  function behind(spans, className) {
    return spans.map((span) => ({ ...span, display: "background", classNames: [className] }));
  }

  // tuần 23/11 – 29/11/2026; tháng 11/2026; thứ Hai, 23/11/2026
  function title(view) {
    const first = view.currentStart, last = new Date(view.currentEnd - 1);
    const short = (date) => `${date.getUTCDate()}/${date.getUTCMonth() + 1}`;
    if (view.type === "dayGridMonth") return inWords("Tháng %(month)s/%(year)s", { month: first.getUTCMonth() + 1, year: first.getUTCFullYear() });
    if (view.type === "timeGridDay") return `${WEEKDAYS[first.getUTCDay()]} ${short(first)}/${first.getUTCFullYear()}`;
    return `${short(first)} – ${short(last)}/${last.getUTCFullYear()}`;
  }

  window.loaCalendar = { VIEWS, iso, minute, headOf, cellOf, runOf, event, behind, title };
})();
