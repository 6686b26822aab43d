// The whole relay for Node, with the extra words of the course.
//
// node 00_relay.js HOW PORT INGEST     HOW is "right", "leases", or how it is wrong
"use strict";
const dgram = require("node:dgram");
const net = require("node:net");

const [how, port, ingest] = process.argv.slice(2);
const LIMIT = 256, LEASE = 1000;
const viewers = new Set();
const lane = dgram.createSocket("udp4");
lane.on("error", () => {});

class Session {
  constructor(socket) {
    this.socket = socket;
    this.rest = Buffer.alloc(0);
    this.state = "new";
    this.lines = [];
    this.sleeps = false;
    this.lease = null;
    socket.on("data", (data) => this.feed(data));
    if (how !== "no_error_handler") socket.on("error", () => this.leave());
    socket.on("close", () => this.leave());
    socket.on("drain", () => this.answerAll());
  }

  feed(data) {
    if (how === "recv_is_a_message") return void this.socket.write(this.answer(data.toString()));
    this.rest = Buffer.concat([this.rest, data]);
    for (let end; (end = this.rest.indexOf(10)) >= 0 && end <= LIMIT + 1;) {
      this.lines.push(this.rest.subarray(0, end).toString());
      this.rest = this.rest.subarray(end + 1);
    }
    this.answerAll();
    if (this.rest.length > LIMIT + 1) {
      this.leave();
      this.socket.end("ERROR LARGO\n");
    }
  }

  answerAll() {
    while (this.lines.length && !this.sleeps && !this.socket.writableNeedDrain) {
      const reply = this.answer(this.lines.shift());
      if (reply) this.socket.write(reply);
    }
    if (this.lines.length) this.socket.pause();
    else this.socket.resume();
  }

  answer(line) {
    const [word = "", argument = "none"] = line.trim().toUpperCase().split(/\s+/);
    this.renew();
    switch (word) {
      case "VIVO": return "OK\n";
      case "LISTA": return this.list(Number(argument));
      case "DORMIR": return this.sleep(Number(argument));
      case "CONECTAR": return this.connect(Number(argument));
      case "INTERRUMPIR": return this.go("active", "paused");
      case "CONTINUAR": return this.go("paused", "active");
      case "DESCONECTAR":
        this.leave();
        this.socket.end("OK\n");
        return "";
    }
    return "ERROR DESCONOCIDO\n";
  }

  // For whoever watches, from the last word on.
  renew() {
    clearTimeout(this.lease);
    if (how !== "leases") return;
    this.lease = setTimeout(() => { this.leave(); this.socket.destroy(); }, LEASE);
  }

  list(count) {
    if (!Number.isInteger(count) || count < 0) return "ERROR NUMERO\n";
    if (how === "bounds_lists") count = Math.min(count, 1000);
    let text = "";
    for (let k = 0; k < count; k++) text += `cliente ${String(k).padStart(6, "0")}\n`;
    return text + "OK\n";
  }

  sleep(milliseconds) {
    if (!Number.isInteger(milliseconds) || milliseconds < 0) return "ERROR NUMERO\n";
    if (how === "sleeps_in_a_callback") {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
      return "OK\n";
    }
    this.sleeps = true;
    setTimeout(() => {
      this.sleeps = false;
      this.socket.write("OK\n");
      this.answerAll();
    }, milliseconds + 1);
    return "";
  }

  connect(to) {
    if (!(Number.isInteger(to) && to >= 1024 && to <= 65535)) return "ERROR PUERTO\n";
    if (this.state !== "new") return "ERROR YA_CONECTADO\n";
    if ([...viewers].some((viewer) => viewer.port === to)) return "ERROR PUERTO_OCUPADO\n";
    this.port = to;
    this.state = "active";
    viewers.add(this);
    return "OK\n";
  }

  go(from, to) {
    if (this.state === "new") return "ERROR NO_CONECTADO\n";
    if (this.state !== from) return `ERROR ${from === "active" ? "YA" : "NO"}_INTERRUMPIDO\n`;
    this.state = to;
    return "OK\n";
  }

  leave() {
    clearTimeout(this.lease);
    if (how !== "feeds_who_has_gone") viewers.delete(this);
  }
}

net.createServer((socket) => { socket.setNoDelay(true); new Session(socket); }).listen(+port, "127.0.0.1");

const camera = dgram.createSocket("udp4");
camera.on("message", (datagram) => {
  for (const viewer of viewers) {
    if (viewer.state !== "active") continue;
    for (let k = how === "sends_twice" ? 2 : 1; k; k--) lane.send(datagram, viewer.port, "127.0.0.1", () => {});
  }
});
camera.bind({ port: +ingest, address: "127.0.0.1" }, () => camera.setRecvBufferSize(1 << 20));
