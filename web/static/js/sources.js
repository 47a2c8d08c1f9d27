// A recording on its way in: chosen, dropped or recorded here (recorder.js), sent in pieces that survive a broken line.
// Everything comes through the file field, so a form whose pieces cannot be sent still sends the file whole.
(function () {
  if (!window.tus || !tus.isSupported) return;

  const PIECE = 1024 * 1024;  // bytes: what a broken line costs at most
  const PATIENCE = [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000];  // ms before each try
  const SAY = {
    line: inWords("Đường truyền bị ngắt. Phần đã gửi được giữ lại; có mạng sẽ tự gửi tiếp, hoặc bấm “Thử gửi lại”."),
    signedOut: inWords("Bạn đã bị đăng xuất. Hãy đăng nhập lại ở một thẻ khác rồi quay lại đây bấm “Thử gửi lại”."),
    refused: inWords("Đài chưa nhận được tệp. Hãy bấm “Thử gửi lại”; nếu vẫn thế, hãy báo người quản trị."),
    one: inWords("Mỗi chỗ chỉ nhận một tệp. Hãy thả từng tệp một."),
    empty: inWords("Tệp vừa chọn trống (0 byte). Hãy chọn lại tệp ghi âm."),
    wait: inWords("Tệp đang được gửi. Gửi xong sẽ tự lưu; hãy giữ trang này mở."),
    paused: inWords("Việc gửi tệp đang tạm dừng. Hãy bấm “Tiếp tục” hoặc “Huỷ” rồi lưu."),
    recording: inWords("Đang ghi âm. Bấm “Dừng ghi”, rồi “Dùng bản ghi này” (hoặc “Bỏ”), rồi lưu."),
    unsent: inWords("Bản vừa ghi chưa được gửi. Hãy bấm “Dùng bản ghi này” hoặc “Bỏ” rồi lưu."),
  };
  const sources = new Set();
  let saving = null;  // the button of a form that waits for its files

  const megabytes = (bytes) => (bytes / 1e6).toFixed(1).replace(".", ",");

  class Source {
    constructor(element) {
      this.element = element;
      this.input = this.find("input[type=file]");
      this.state = "idle";  // recording, held, stopping, recorded: as the recorder says; sending, paused, failed
      this.recorder = new LoaRecorder(this);
      this.input.addEventListener("change", () => this.take(this.input.files[0]));
      element.addEventListener("click", (event) => {
        const button = event.target.closest("[data-do]");
        const act = button && button.dataset.do.replace("-o", "O");
        if (act) this[act] ? this[act]() : this.recorder[act]();
      });
      this.listenToDrops(this.find("[data-drop]"));
      this.show("[data-do=record]", true);
      this.show("[data-drag]", matchMedia("(hover: hover)").matches);
    }

    find(selector) { return this.element.querySelector(selector); }
    show(selector, shown) { this.find(selector).hidden = !shown; }
    write(selector, text) { this.find(selector).textContent = text; }
    say(text) { this.write("[data-said]", text); }
    complain(text) {
      this.write("[data-trouble]", text || "");
      this.show("[data-trouble]", Boolean(text));
    }

    enter(state) {
      const here = this.element.contains(document.activeElement) && document.activeElement;
      this.state = state;
      this.show("[data-recorder]", ["recording", "held", "recorded"].includes(state));
      this.show("[data-sending]", ["sending", "paused", "failed"].includes(state));
      this.show("[data-drop]", state === "idle");
      for (const [action, states] of Object.entries({
        hold: ["recording"], "carry-on": ["held"], stop: ["recording", "held"], use: ["recorded"], again: ["recorded"],
        pause: ["sending"], resume: ["paused"], retry: ["failed"],
      })) this.show(`[data-do=${action}]`, states.includes(state));
      this.show("[data-save]", state === "failed" && Boolean(this.recorder.file));
      this.recorder.show(state);
      // Whoever pressed a button that is gone now goes on at the next one.
      if (here && here.closest("[hidden]")) [...this.element.querySelectorAll("button, input[type=file]")].find((each) => !each.closest("[hidden]")).focus();
    }

    // --- taking a file ---------------------------------------------------------------------------

    listenToDrops(zone) {
      const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
      zone.addEventListener("dragover", over(true));
      zone.addEventListener("dragleave", over(false));
      zone.addEventListener("drop", (event) => {
        over(false)(event);
        const files = event.dataTransfer.files;
        if (files.length > 1) return this.complain(SAY.one);
        if (files.length) this.put(files);
      });
    }

    put(files) {
      this.input.files = files;
      this.input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    take(file) {
      if (!file || file.size > this.input.dataset.most * 1e6) return;  // forms.js says so where it is too large
      this.complain(file.size ? "" : SAY.empty);
      if (file.size) this.send(file);
    }

    // --- sending ---------------------------------------------------------------------------------

    send(file) {
      this.file = file;
      this.sha = "";
      this.write("[data-sending-name]", inWords("Đang gửi “%(name)s”", { name: file.name }));
      this.progress(0, file.size);
      this.enter("sending");
      this.say(inWords("Bắt đầu gửi tệp %(name)s", { name: file.name }));
      this.show("[data-unfinished]", false);
      this.upload = new tus.Upload(file, {
        endpoint: this.element.dataset.to,
        chunkSize: PIECE,
        retryDelays: PATIENCE,
        metadata: { filename: file.name },
        removeFingerprintOnSuccess: true,
        onBeforeRequest: (request) => request.setHeader("X-CSRFToken", this.token()),
        onAfterResponse: (_request, response) => { this.sha = response.getHeader("Upload-Sha256") || this.sha; },
        onShouldRetry: worthTrying,
        onProgress: (sent, all) => this.progress(sent, all),
        onSuccess: () => this.keep(),
        onError: (error) => this.fail(error),
      });
      this.upload.findPreviousUploads().then((found) => {
        if (found.length) this.upload.resumeFromPreviousUpload(found[0]);
        if (this.state === "sending") this.upload.start();
      });
    }

    token() {
      return this.element.closest("form").querySelector("[name=csrf_token]").value;
    }

    progress(sent, all) {
      const percent = Math.floor(100 * sent / all), step = Math.floor(percent / 25);
      this.find("[data-progress]").value = percent;
      this.write("[data-sent]", `${percent} % · ${megabytes(sent)} / ${megabytes(all)} MB`);
      if (step !== this.step && percent) this.say(inWords("Đã gửi %(percent)s phần trăm", { percent }));
      this.step = step;
    }

    keep() {
      this.find("[data-kept]").value = this.sha;
      this.find("[data-kept-name]").value = this.file.name;
      this.write("[data-received-name]", this.file.name);
      this.show("[data-received]", true);
      this.input.value = "";  // it need not travel twice
      this.input.dispatchEvent(new Event("change", { bubbles: true }));
      this.recorder.forget();
      this.complain("");
      this.say(inWords("Đã nhận tệp %(name)s", { name: this.file.name }));
      this.enter("idle");
      this.element.querySelectorAll("small.error").forEach((said) => said.remove());
      this.element.dispatchEvent(new CustomEvent("source:kept", { bubbles: true, detail: { sha: this.sha, name: this.file.name } }));
      goOnSaving();
    }

    fail(error) {
      const response = error.originalResponse;
      this.enter("failed");
      this.write("[data-sending-name]", inWords("Chưa gửi được “%(name)s”", { name: this.file.name }));
      this.complain(!response || response.getStatus() >= 500 && !plain(response) ? SAY.line
        : isSignIn(response) ? SAY.signedOut : plain(response) || SAY.refused);
      saving = null;
    }

    // A recording comes in by the file field, as any other file does.
    use() {
      const carrier = new DataTransfer();
      carrier.items.add(this.recorder.file);
      this.put(carrier.files);
      if (this.state !== "recorded") return;  // it is being sent
      this.file = this.recorder.file;
      this.enter("failed");  // too large: it can still be saved on this machine
    }

    pause() { this.upload.abort(); this.enter("paused"); this.say(inWords("Đã tạm dừng gửi")); }
    resume() { this.enter("sending"); this.upload.start(); }

    async retry() {
      this.complain("");
      await this.renewToken();
      this.send(this.file);
    }

    // Whoever signed in anew meanwhile has another token; the page itself, with what was typed, stays.
    async renewToken() {
      const answer = await fetch(location.href).catch(() => null);
      const fresh = answer && answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[name=csrf_token]");
      if (fresh && !answer.redirected) document.querySelectorAll("[name=csrf_token]").forEach((field) => { field.value = fresh.value; });
    }

    cancel() {
      this.upload.abort(true).catch(() => {});  // what the server keeps of it goes away by itself in two days
      this.input.value = "";
      this.input.dispatchEvent(new Event("change", { bubbles: true }));
      this.complain("");
      this.say(inWords("Đã huỷ gửi"));
      this.enter(this.recorder.file ? "recorded" : "idle");  // what was recorded here is only thrown away by "Bỏ"
      saving = null;
    }
  }

  function plain(response) {
    return (response.getHeader("Content-Type") || "").startsWith("text/plain") ? response.getBody() : "";
  }

  function isSignIn(response) {
    return (response.getUnderlyingObject().responseURL || "").includes("/dang-nhap") || response.getStatus() === 401;
  }

  function worthTrying(error) {
    const response = error.originalResponse, status = response ? response.getStatus() : 0;
    if (response && isSignIn(response)) return false;
    return status < 400 || status >= 500 && status !== 507 || [409, 423, 460].includes(status);
  }

  // --- the forms they are in -----------------------------------------------------------------------

  // First of all who listen: a form that waits has not been sent.
  document.addEventListener("submit", (event) => {
    const within = [...sources].filter((source) => event.target.contains(source.element));
    const held = within.find(({ state }) => state in { recording: 1, held: 1, stopping: 1, recorded: 1, paused: 1 });
    const busy = held || within.find(({ state }) => state === "sending");
    if (!busy) return;
    event.preventDefault();
    event.stopPropagation();
    busy.complain(!held ? SAY.wait : { paused: SAY.paused, recorded: SAY.unsent }[held.state] || SAY.recording);
    saving = held ? null : { form: event.target, button: event.submitter };
    busy.element.scrollIntoView({ block: "nearest" });
  }, true);

  function goOnSaving() {
    if (!saving) return;
    const { form, button } = saving;
    if ([...sources].some(({ state, element }) => state === "sending" && form.contains(element))) return;
    saving = null;
    form.requestSubmit(button);
  }

  window.addEventListener("beforeunload", (event) => {
    if ([...sources].some(({ state, element }) => state !== "idle" && element.isConnected)) event.preventDefault();
  });
  window.addEventListener("online", () => sources.forEach((source) => { if (source.state === "failed" && source.file) source.retry(); }));

  // A file dropped beside the zone would take the place of the page.
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => {
    if (sources.size && event.dataTransfer && [...event.dataTransfer.types].includes("Files")) event.preventDefault();
  });

  async function remindOf(source) {
    const day = 24 * 3600 * 1000;
    const found = (await tus.defaultOptions.urlStorage.findAllUploads())
      .filter(({ creationTime }) => Date.now() - new Date(creationTime) < 2 * day);
    if (!found.length || source.state !== "idle" || source.find("[data-kept]").value) return;
    source.write("[data-unfinished-name]", found[found.length - 1].metadata.filename);
    source.show("[data-unfinished]", true);
  }

  function welcome() {
    document.querySelectorAll("[data-source]:not([data-welcome])").forEach((element) => {
      element.dataset.welcome = "1";
      const source = new Source(element);
      if (!sources.size) remindOf(source);
      sources.add(source);
    });
  }
  new MutationObserver(welcome).observe(document.body, { childList: true, subtree: true });
  welcome();
})();
