// Asks our server with Node's http module and with its fetch (undici).
//
// Proves that both read our chunks, that trailers arrive where Node shows them, and that we read trailers in uploads.
//
// usage: node_client.mjs URL FOLDER

import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { run } from "../cases.mjs";

const [url, folder] = process.argv.slice(2);
const file = (name) => readFileSync(join(folder, name));
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Sends a request whose body `send` writes; returns the response and its body. */
function ask(path, options, send = (sending) => sending.end()) {
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/${path}`, { agent, timeout: 20_000, ...options }, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => resolve({ response, body: Buffer.concat(pieces), reused: sending.reusedSocket }));
      response.on("error", reject);
    });
    sending.on("error", reject);
    sending.on("timeout", () => sending.destroy(new Error("no answer")));
    send(sending);
  });
}

await run(process.versions.node, {
  async chunked() {
    for (const name of ["large.txt", "noise.bin", "empty.txt", "small.txt"]) {
      const { response, body } = await ask(name, {});
      assert.equal(response.headers["transfer-encoding"], "chunked");
      assert.ok(body.equals(file(name)), name);
    }
  },

  async trailers() {
    const { response, body } = await ask("medium.txt", { headers: { te: "trailers" } });
    assert.ok(body.equals(file("medium.txt")));
    assert.equal(response.trailers["x-body-length"], "1048576");
  },

  async "gzip through fetch"() {
    for (const name of ["large.txt", "noise.bin", "empty.txt"]) {
      const response = await fetch(`${url}/${name}`, { signal: AbortSignal.timeout(20_000) });
      assert.equal(response.headers.get("content-encoding"), "gzip");
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(file(name)), name);
    }
  },

  async "chunked upload with a trailer"() {
    const headers = { trailer: "X-Sum", "transfer-encoding": "chunked" };
    const { body } = await ask("", { method: "POST", headers }, (sending) => {
      sending.addTrailers({ "X-Sum": "42" });
      createReadStream(join(folder, "large.txt")).pipe(sending);
    });
    assert.ok(body.equals(file("large.txt")));
  },

  async "100 requests on one connection"() {
    let connections = 0;
    for (let count = 0; count < 50; count += 1) {
      const { reused, body } = await ask("small.txt", {});
      assert.ok(body.equals(file("small.txt")));
      const head = await ask("small.txt", { method: "HEAD" });
      assert.equal(head.response.statusCode, 200);
      assert.equal(head.body.length, 0);
      connections += !reused + !head.reused;
    }
    // At most the first opened one: the cases before left theirs open.
    assert.ok(connections <= 1, `${connections} connections`);
  },
});
agent.destroy();
