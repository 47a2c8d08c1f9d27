// Records in the browser for one source (sources.js), in whose panel it shows its level, its clock and itself.
window.LoaRecorder = (function () {
  const QUIET = 0.02, QUIET_SECONDS = 5;  // loudest sample below which nothing is heard
  const KINDS = [["audio/webm;codecs=opus", "webm"], ["audio/mp4", "m4a"], ["audio/ogg;codecs=opus", "ogg"]];
  const SAY = {
    insecure: inWords("Trình duyệt chỉ cho ghi âm khi trang mở bằng https:// hoặc ngay trên máy chạy Loa. Hãy nhờ quản trị bật HTTPS, hoặc ghi bằng điện thoại rồi tải tệp lên."),
    old: inWords("Trình duyệt này không ghi âm được. Hãy dùng Chrome, Edge, Firefox hoặc Safari bản mới, hoặc ghi bằng điện thoại rồi tải tệp lên."),
    NotAllowedError: inWords("Trình duyệt chưa được phép dùng micrô. Bấm biểu tượng ổ khoá cạnh địa chỉ trang, cho phép Micrô, rồi bấm “Ghi âm” lần nữa."),
    NotFoundError: inWords("Máy này không có micrô. Hãy cắm micrô rồi bấm “Ghi âm”, hoặc ghi bằng điện thoại rồi tải tệp lên."),
    NotReadableError: inWords("Micrô đang được chương trình khác dùng. Hãy đóng chương trình đó rồi bấm “Ghi âm” lần nữa."),
    pulled: inWords("Micrô bị rút ra giữa chừng. Phần đã ghi vẫn còn: hãy nghe lại rồi dùng hoặc ghi lại."),
  };
  const STATES = { recording: inWords("đang ghi"), held: inWords("tạm dừng"), recorded: inWords("đã ghi xong, hãy nghe lại") };
  const two = (number) => String(number).padStart(2, "0");

  return class Recorder {
    constructor(source) {
      this.source = source;
      this.file = null;  // what was recorded and is not sent yet
    }

    async record() {
      const { source } = this;
      source.complain("");
      if (!navigator.mediaDevices || !window.MediaRecorder) return source.complain(window.isSecureContext ? SAY.old : SAY.insecure);
      try {
        this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch (error) {
        return source.complain(SAY[error.name] || SAY.NotReadableError);
      }
      const [type] = KINDS.find(([kind]) => MediaRecorder.isTypeSupported(kind)) || [""], pieces = [];
      this.media = new MediaRecorder(this.stream, type ? { mimeType: type } : {});
      this.media.addEventListener("dataavailable", (event) => pieces.push(event.data));
      this.media.addEventListener("stop", () => this.finish(pieces));
      this.media.start(1000);
      this.elapsed = 0;
      this.began = performance.now();
      source.enter("recording");
      source.say(inWords("Đang ghi âm"));
      source.find("[data-do=stop]").focus();
      this.measure();
    }

    measure() {
      const context = new AudioContext(), analyser = context.createAnalyser(), samples = new Float32Array(2048);
      context.createMediaStreamSource(this.stream).connect(analyser);
      analyser.fftSize = samples.length;
      let heard = performance.now();
      const look = () => {
        if (!["recording", "held"].includes(this.source.state)) return context.close();
        analyser.getFloatTimeDomainData(samples);
        const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0), now = performance.now();
        if (loudest > QUIET || this.source.state === "held") heard = now;
        this.source.find("[data-level]").value = Math.sqrt(loudest);
        this.source.show("[data-quiet]", now - heard > QUIET_SECONDS * 1000);
        this.tell();
        requestAnimationFrame(look);
      };
      look();
    }

    seconds() {
      return (this.elapsed + (this.source.state === "recording" ? performance.now() - this.began : 0)) / 1000;
    }

    tell() {
      const whole = Math.floor(this.seconds());
      this.source.write("[data-clock]", `${two(Math.floor(whole / 60))}:${two(whole % 60)}`);
    }

    show(state) {
      this.source.show("[data-level-row]", state !== "recorded");
      this.source.show("[data-listen]", state === "recorded");
      this.source.find("[data-dot]").classList.toggle("still", state !== "recording");
      this.source.write("[data-recording-state]", STATES[state] || "");
      if (state !== "recorded") this.source.find("[data-listen]").pause();
    }

    hold() {
      this.elapsed = this.seconds() * 1000;
      this.media.pause();
      this.source.enter("held");
    }

    carryOn() {
      this.began = performance.now();
      this.media.resume();
      this.source.enter("recording");
    }

    stop() {
      this.elapsed = this.seconds() * 1000;
      this.source.state = "stopping";
      this.media.stop();
    }

    finish(pieces) {
      const { source } = this;
      this.stream.getTracks().forEach((track) => track.stop());
      source.show("[data-quiet]", false);
      if (source.state === "idle") return;  // it was thrown away
      if (source.state !== "stopping") {
        this.elapsed = this.seconds() * 1000;
        source.complain(SAY.pulled);
      }
      this.keep(pieces);
      source.enter("recorded");
      this.tell();
      source.say(inWords("Đã ghi xong, hãy nghe lại"));
      source.find("[data-do=use]").focus();
    }

    keep(pieces) {
      this.forget();
      const type = this.media.mimeType || "audio/webm";
      const [, end] = KINDS.find(([kind]) => kind.split(";")[0] === type.split(";")[0]) || ["", "webm"];
      this.file = new File(pieces, `ghi-am-${today()}.${end}`, { type });
      this.address = URL.createObjectURL(this.file);
      this.source.find("[data-listen]").src = this.address;
      Object.assign(this.source.find("[data-save]"), { href: this.address, download: this.file.name });
    }

    again() { this.record(); }

    discard() {
      const running = this.source.state !== "recorded";
      this.source.enter("idle");
      if (running) this.media.stop();
      this.forget();
      this.source.complain("");
    }

    forget() {
      if (this.address) URL.revokeObjectURL(this.address);
      this.address = this.file = null;
      this.source.find("[data-listen]").removeAttribute("src");
    }
  };

  function today() {
    const now = new Date();
    return `${two(now.getDate())}-${two(now.getMonth() + 1)}-${now.getFullYear()}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  }
})();
