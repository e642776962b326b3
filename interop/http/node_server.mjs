// Serves files chunked, compressed by Node's zlib, with trailers and behind interim responses.
//
// Proves that our client reads the chunks of Node.js, whose sizes follow its streams, and skips 1xx responses.
//
// usage: node_server.mjs FOLDER; GET /MODE/NAME

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { pipeline } from "node:stream";
import { createDeflate, createGzip } from "node:zlib";

const folder = process.argv[2];
const codings = { gzip: createGzip, deflate: createDeflate };

const server = createServer((request, response) => {
  const [, mode, name] = request.url.split("/");
  const path = join(folder, basename(name));
  const stages = [createReadStream(path)];
  if (mode === "interim") {
    response.writeProcessing();
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
  }
  if (mode in codings) {
    response.setHeader("Content-Encoding", mode);
    stages.push(codings[mode]());
  }
  if (mode === "trailers") {
    response.setHeader("Trailer", "X-Body-Length");
  }
  response.setHeader("Transfer-Encoding", "chunked");
  response.writeHead(200);
  if (mode === "trailers") {
    response.addTrailers({ "X-Body-Length": statSync(path).size });
  }
  pipeline(...stages, response, () => {});
});

server.listen(0, "127.0.0.1", () => {
  console.log(`version ${process.versions.node}`);
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
