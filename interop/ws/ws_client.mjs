// Talks to our echo servers with npm's ws.
//
// Proves that our server and it understand each other: fragments cut inside characters, pings, every parameter of
// permessage-deflate that it can ask for, close codes in both directions.
//
// usage: ws_client.mjs URL [--deflate] [--ca FILE]

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { run } from "../cases.mjs";

const require = createRequire(`${process.env.INTEROP_NODE}/`);
const WebSocket = require("ws");
const { version } = require("ws/package.json");

const [url, ...options] = process.argv.slice(2);
const isDeflate = options.includes("--deflate");
const ca = options.includes("--ca") ? readFileSync(options[options.indexOf("--ca") + 1]) : undefined;
const CHARACTERS = "aé€𝄞";
const LENGTHS = [0, 1, 2, 3, 124, 125, 126, 127, 1000, 65535, 65536, 65537, 1 << 20];

/** A text of so many bytes, 10 at a time. */
const text = (bytes) => CHARACTERS.repeat(Math.ceil(bytes / 10));
const binary = (bytes) => Buffer.alloc(bytes, Buffer.from([...Array(251).keys()]));

async function open(parameters = {}) {
  const perMessageDeflate = isDeflate && { threshold: 0, ...parameters };
  const socket = new WebSocket(url, { perMessageDeflate, ca });
  // Of the errors that nobody waits for, the close code tells enough.
  socket.on("error", () => {});
  await within(once(socket, "open"));
  return socket;
}

/** Waits no longer than the slowest case may take. */
function within(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing came")), 20_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function expectMessage(socket, sent) {
  const [data, isBinary] = await within(once(socket, "message"));
  assert.equal(isBinary, typeof sent !== "string");
  assert.ok(data.equals(Buffer.from(sent)), `${data.length} bytes came for ${sent.length}`);
}

async function echo(socket, sent) {
  const echoed = expectMessage(socket, sent);
  socket.send(sent);
  await echoed;
}

async function close(socket, code = 1000, reason = "") {
  const closed = once(socket, "close");
  socket.close(code, reason);
  return within(closed);
}

async function sendInFragments(socket, bytes, size, isBinary) {
  for (let start = 0; start < bytes.length; start += size) {
    const fin = start + size >= bytes.length;
    socket.send(bytes.subarray(start, start + size), { binary: isBinary, fin });
    if (start % 3 === 0) {
      socket.ping("between");
    }
  }
}

const cases = {
  async extensions() {
    const socket = await open();
    assert.equal(socket.extensions.includes("permessage-deflate"), isDeflate, socket.extensions);
    await close(socket);
  },

  async "lengths from 0 to 1 MiB"() {
    const socket = await open();
    for (const length of LENGTHS) {
      await echo(socket, text(length));
      await echo(socket, binary(length));
    }
    await close(socket);
  },

  async "16 MiB"() {
    const socket = await open();
    await echo(socket, binary(16 << 20));
    await echo(socket, text(16 << 20));
    await close(socket);
  },

  async "fragments and pings"() {
    const socket = await open();
    let pongs = 0;
    socket.on("pong", (data) => {
      pongs += data.toString() === "between";
    });
    for (const [bytes, size] of [[3000, 1], [70_000, 7], [1 << 20, 1000], [1 << 20, 70_000]]) {
      for (const sent of [text(bytes), binary(bytes)]) {
        const echoed = expectMessage(socket, sent);
        await sendInFragments(socket, Buffer.from(sent), size, typeof sent !== "string");
        await echoed;
      }
    }
    assert.ok(pongs > 0, "no pong");
    await close(socket);
  },

  async "5000 small"() {
    const socket = await open();
    let next = 0;
    const all = new Promise((resolve, reject) => {
      socket.on("close", () => reject(new Error(`closed after ${next}`)));
      socket.on("message", (data) => {
        if (data.toString() !== `message ${next}`) reject(new Error(`${data} after ${next}`));
        next += 1;
        if (next === 5000) resolve();
      });
    });
    for (let number = 0; number < 5000; number += 1) {
      socket.send(`message ${number}`);
    }
    await within(all);
    await close(socket);
  },

  async "100 connections"() {
    const one = async (number) => {
      const socket = await open();
      for (const length of [10, 1000, 100_000]) {
        await echo(socket, `${number} ${text(length)}`);
      }
      await close(socket);
    };
    await Promise.all(Array.from({ length: 100 }, (_, number) => one(number)));
  },

  async "close codes"() {
    for (const [code, reason] of [[1000, ""], [1001, "leaving"], [1011, ""], [3000, CHARACTERS], [4999, "r".repeat(123)]]) {
      const socket = await open();
      await echo(socket, "hello");
      const [heard] = await close(socket, code, reason);
      assert.equal(heard, code);
    }
  },

  async "an invalid text is closed with 1007"() {
    const socket = await open();
    const closed = once(socket, "close");
    socket.send(Buffer.from([0x61, 0xff]), { binary: false });
    assert.equal((await within(closed))[0], 1007);
  },
};

if (isDeflate) {
  cases["parameters of compression"] = async () => {
    for (const parameters of [
      { serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
      { serverMaxWindowBits: 15, clientMaxWindowBits: 12 },
      { serverMaxWindowBits: 8 },
    ]) {
      const socket = await open(parameters);
      assert.ok(socket.extensions.includes("permessage-deflate"), JSON.stringify(parameters));
      for (const length of [10, 100, 100_000]) {
        for (let again = 0; again < 3; again += 1) {
          await echo(socket, text(length));
          await echo(socket, binary(length));
        }
      }
      await close(socket);
    }
  };
}

await run(version, cases);
