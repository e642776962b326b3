// Cases that run inside a page: each gets the URL of an echo server and whether that compresses.

const CHARACTERS = "aé€𝄞";
const text = (length) => CHARACTERS.repeat(Math.ceil(length / 10));
const binary = (length) => Uint8Array.from({ length }, (_, index) => (index * index) >> 7);

function ensure(isRight, why) {
  if (!isRight) throw new Error(why);
}

function within(promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("nothing came")), 30_000));
  return Promise.race([promise, late]);
}

function next(socket, event) {
  return within(new Promise((resolve) => socket.addEventListener(event, resolve, { once: true })));
}

async function open(url) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const opened = await Promise.race([next(socket, "open"), next(socket, "close")]);
  ensure(opened.type === "open", "did not open");
  return socket;
}

async function echo(socket, sent) {
  const message = next(socket, "message");
  socket.send(sent);
  const { data } = await message;
  if (typeof sent === "string") {
    ensure(data === sent, `another text: ${data.length} for ${sent.length}`);
    return;
  }
  const bytes = new Uint8Array(sent instanceof Blob ? await sent.arrayBuffer() : sent);
  const echoed = new Uint8Array(data);
  const isSame = echoed.length === bytes.length && echoed.every((byte, index) => byte === bytes[index]);
  ensure(isSame, `other bytes: ${echoed.length} for ${bytes.length}`);
}

async function close(socket, ...how) {
  const closed = next(socket, "close");
  socket.close(...how);
  return closed;
}

const CASES = {
  async extensions(url, isDeflate) {
    const socket = await open(url);
    ensure(socket.extensions.includes("permessage-deflate") === isDeflate, socket.extensions);
    await close(socket);
  },

  async "lengths from 0 to 1 MiB"(url) {
    const socket = await open(url);
    for (const length of [0, 1, 2, 3, 124, 125, 126, 127, 1000, 65535, 65536, 65537, 1 << 20]) {
      await echo(socket, text(length));
      await echo(socket, binary(length));
    }
    await close(socket);
  },

  async "a blob of 16 MiB"(url) {
    const socket = await open(url);
    await echo(socket, new Blob([binary(16 << 20)]));
    await close(socket);
  },

  async "4000 small at once"(url) {
    const socket = await open(url);
    let count = 0;
    const all = new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => {
        if (data !== `message ${count}`) reject(new Error(`${data} after ${count}`));
        count += 1;
        if (count === 4000) resolve();
      };
    });
    for (let number = 0; number < 4000; number += 1) socket.send(`message ${number}`);
    await within(all);
    await close(socket);
  },

  async "6 connections"(url) {
    const sockets = await Promise.all(Array.from({ length: 6 }, () => open(url)));
    await Promise.all(sockets.map((socket, number) => echo(socket, `${number} ${text(100_000)}`)));
    await Promise.all(sockets.map((socket) => close(socket)));
  },

  async "close codes"(url) {
    for (const [code, reason] of [[1000, ""], [3000, CHARACTERS], [4999, "r".repeat(123)]]) {
      const socket = await open(url);
      await echo(socket, "hello");
      const closed = await close(socket, code, reason);
      ensure(closed.wasClean && closed.code === code, `${closed.code}, clean: ${closed.wasClean}`);
    }
  },
};
