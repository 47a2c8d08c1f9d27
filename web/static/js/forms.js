// Small helps in forms; every form also works without them.
(function () {
  // One sending per form: a second tap on "Phát ngay" must not broadcast twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent || tooLarge(form)) return event.preventDefault();
    form.dataset.sent = "1";
    const button = event.submitter;
    if (button) button.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      // A file that is downloaded, or a page come back to: the form may be sent again.
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    });
  });
  document.querySelectorAll("form[data-again]").forEach((form) => {
    form.addEventListener("submit", () => setTimeout(() => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    }, 1500));
  });

  // A file over the limit is refused here, before an hour on a slow line is spent on it.
  function tooLarge(form) {
    const input = form.querySelector("input[type=file][data-most]");
    if (!input || !input.files.length) return false;
    const megabytes = input.files[0].size / 1e6, most = Number(input.dataset.most);
    let said = input.closest(".field").querySelector("small.error");
    if (megabytes <= most) { if (said) said.remove(); return false; }
    if (!said) {
      said = document.createElement("small");
      said.className = "error";
      said.setAttribute("role", "alert");
      input.closest(".field").append(said);
    }
    said.textContent = inWords("Tệp này nặng %(size)s MB, quá giới hạn %(most)s MB. Hãy nén thành MP3 hoặc chia nhỏ.", { size: Math.ceil(megabytes), most });
    input.focus();
    return true;
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[type=file][data-most]")) tooLarge(event.target.form);
  });

  // A file button that speaks Vietnamese in every browser; also in parts of a page that come later.
  function dress(input) {
    if (input.classList.contains("only-read")) return;
    const button = document.createElement("label"), name = document.createElement("span"), frame = document.createElement("div");
    button.htmlFor = input.id;
    button.textContent = inWords("Chọn tệp");
    button.className = "file-button";
    name.textContent = inWords("chưa chọn tệp nào");
    frame.className = "file";
    input.replaceWith(frame);
    input.classList.add("only-read");
    frame.append(input, button, name);
    input.addEventListener("change", () => {
      const file = input.files[0];
      name.textContent = file ? `${file.name} (${(file.size / 1e6).toFixed(1).replace(".", ",")} MB)` : inWords("chưa chọn tệp nào");
    });
  }
  document.querySelectorAll("input[type=file]").forEach(dress);
  document.addEventListener("htmx:load", (event) => event.detail.elt.querySelectorAll("input[type=file]").forEach(dress));

  // Choosing an area chooses all below it: show that.
  document.querySelectorAll("[data-tree]").forEach((tree) => {
    const rows = [...tree.children].map((row) => ({ depth: Number(row.dataset.depth), box: row.querySelector("input") }));
    function show() {
      let above = Infinity;
      rows.forEach(({ depth, box }) => {
        if (depth <= above) above = Infinity;
        const within = depth > above;
        if (within && !box.disabled) box.dataset.own = box.checked ? "1" : "";
        if (!within && box.disabled) box.checked = box.dataset.own === "1";
        box.disabled = within;
        if (within) box.checked = true;
        else if (box.checked) above = depth;
      });
    }
    tree.addEventListener("change", show);
    show();
  });

  const wrong = document.querySelector('[aria-invalid="true"]');
  if (wrong) wrong.focus();

  // A menu closes when one looks elsewhere.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.account[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("details.account[open]").forEach((menu) => { menu.open = false; });
  });
})();
