// Answers our `exercise` with npm's ws, the library under most WebSocket servers on Node.js.
//
// Proves that our client and it understand each other: fragments that cut characters, pings, compressed messages with every
// parameter of permessage-deflate that we offer, close codes.
//
// usage: ws_server.mjs [CHAIN KEY]    (with TLS then)

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.INTEROP_NODE}/`);
const { WebSocketServer } = require("ws");
const { version } = require("ws/package.json");

const FRAGMENT = 1000;
let lastClose = "none";

function echoInFragments(socket, data, binary) {
  // Cut anywhere, also inside a character.
  for (let start = 0; start === 0 || start < data.length; start += FRAGMENT) {
    const fin = start + FRAGMENT >= data.length;
    socket.send(data.subarray(start, start + FRAGMENT), { binary, fin });
    if ((start / FRAGMENT) % 100 === 0) {
      socket.ping("between");
    }
  }
}

const [cert, key] = process.argv.slice(2, 4).map((path) => readFileSync(path));
const http = cert ? createTlsServer({ cert, key }) : createServer();
const server = new WebSocketServer({
  server: http,
  maxPayload: 64 << 20,
  // Compress what is small as well.
  perMessageDeflate: { threshold: 0 },
});

server.on("connection", (socket, request) => {
  const path = request.url;
  socket.on("error", (error) => console.error(path, error.message));
  socket.on("message", (data, binary) => {
    if (path === "/fragments") {
      echoInFragments(socket, data, binary);
    } else if (path === "/pings") {
      socket.once("pong", () => socket.send("pong"));
      socket.ping("are you there");
    } else if (path === "/extensions") {
      socket.send(socket.extensions);
    } else if (path === "/last-close") {
      socket.send(lastClose);
    } else if (path.startsWith("/close/")) {
      socket.close(Number(path.split("/").at(-1)), "as asked for");
    } else {
      socket.send(data, { binary });
    }
  });
  if (path === "/") {
    socket.on("close", (code, reason) => {
      lastClose = `${code} ${reason}`;
    });
  }
});

http.listen(0, "127.0.0.1", () => {
  console.log(`version ${version}`);
  console.log(`listening on 127.0.0.1:${http.address().port}`);
});
