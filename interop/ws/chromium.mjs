// Drives a headless Chromium, which is told what to do over its own WebSocket (the DevTools protocol).
//
// Proves that a browser's WebSocket understands our servers and they it: with and without compression (the browser always
// offers it), large, closed with codes; and that the chat page works when somebody types into it.
//
// usage: chromium.mjs CHROMIUM SCRATCH ECHO ECHO_DEFLATE CHAT AXUM_TLS    (the last four: HOST:PORT)

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { run } from "../cases.mjs";

const require = createRequire(`${process.env.INTEROP_NODE}/`);
const WebSocket = require("ws");

const [chromium, scratch, echo, echoDeflate, chat, axumTls] = process.argv.slice(2);
const browserCases = readFileSync(new URL("browser_cases.js", import.meta.url), "utf8");

/** Starts the browser; returns it and the address that it listens on. */
async function start(profile) {
  // Ended by the system when this script is, however that ends.
  const guard = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] : [];
  const [program, ...first] = [...guard, chromium];
  const browser = spawn(
    program,
    [
      ...first,
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--window-size=640,480",
      // The certificate is nobody's but ours.
      "--ignore-certificate-errors",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  for await (const line of createInterface({ input: browser.stderr })) {
    const found = line.match(/^DevTools listening on (ws:\S+)$/);
    if (found) {
      // What it says from here on is not read, but must not fill the pipe.
      browser.stderr.resume();
      return { browser, url: found[1] };
    }
  }
  throw new Error("Chromium does not start");
}

/** The browser's side of the DevTools protocol: a command, its answer. */
class Tools {
  #socket;
  #next = 0;
  #waiting = new Map();

  static async connect(url) {
    const tools = new Tools();
    tools.#socket = new WebSocket(url, { maxPayload: 0 });
    tools.#socket.on("message", (data) => {
      const { id, result, error } = JSON.parse(data);
      const waiting = tools.#waiting.get(id);
      tools.#waiting.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    });
    await once(tools.#socket, "open");
    return tools;
  }

  send(method, params = {}, sessionId = undefined) {
    const id = (this.#next += 1);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Opens a page in a tab of its own. */
  async open(url) {
    const { targetId } = await this.send("Target.createTarget", { url });
    const attached = await this.send("Target.attachToTarget", { targetId, flatten: true });
    return new Page(this, attached.sessionId);
  }
}

class Page {
  constructor(tools, session) {
    this.send = (method, params) => tools.send(method, params, session);
  }

  /** Evaluates a script and waits for its promise. */
  async evaluate(expression) {
    const options = { expression, awaitPromise: true, returnByValue: true, timeout: 60_000 };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options);
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression) {
    const end = Date.now() + 10_000;
    while (!(await this.evaluate(expression))) {
      assert.ok(Date.now() < end, `never: ${expression}; ${await this.evaluate("document.body?.innerText")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async type(text) {
    await this.send("Input.insertText", { text });
    const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  async screenshot(path) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(path, Buffer.from(data, "base64"));
  }
}

/** The same cases for a server with compression and for one without. */
function echoCases(tools, server, url, isDeflate) {
  const names = new Function(`${browserCases}; return Object.keys(CASES);`)();
  const pages = {};
  return Object.fromEntries(
    names.map((name) => [
      `${server}, ${name}`,
      async () => {
        pages.one ??= await tools.open("about:blank");
        const given = JSON.stringify([url, isDeflate]);
        const call = `(() => { ${browserCases}; return CASES[${JSON.stringify(name)}](...${given}); })()`;
        await pages.one.evaluate(call);
      },
    ]),
  );
}

async function chatCase(tools) {
  const said = ["hello from Ann", "żółw, 海, 🦀", "<b>not bold</b>"];
  const ann = await tools.open(`http://${chat}/`);
  await ann.until("document.querySelector('input')?.disabled === false");
  const bob = await tools.open(`http://${chat}/`);
  await bob.until("document.querySelector('input')?.disabled === false");
  for (const text of said) {
    await ann.evaluate("document.querySelector('input').focus()");
    await ann.type(text);
  }
  await bob.evaluate("document.querySelector('input').focus()");
  await bob.until(`document.querySelectorAll('li').length === ${said.length}`);
  await bob.type("and from Bob");
  for (const page of [ann, bob]) {
    await page.until(`document.querySelectorAll('li').length === ${said.length + 1}`);
    const texts = await page.evaluate("[...document.querySelectorAll('li')].map((li) => li.textContent)");
    assert.deepEqual(texts, [...said, "and from Bob"]);
  }
  await bob.screenshot(join(scratch, "chat.png"));
}

const profile = join(scratch, "chromium");
rmSync(profile, { recursive: true, force: true });
const { browser, url } = await start(profile);
try {
  const tools = await Tools.connect(url);
  const { product } = await tools.send("Browser.getVersion");
  await run(product.split("/")[1], {
    ...echoCases(tools, "echo", `ws://${echo}/`, false),
    ...echoCases(tools, "echo --deflate", `ws://${echoDeflate}/`, true),
    ...echoCases(tools, "axum, deflate, TLS", `wss://${axumTls}/echo`, true),
    "chat in two tabs": () => chatCase(tools),
  });
  const ended = once(browser, "exit");
  await tools.send("Browser.close");
  await ended;
} finally {
  browser.kill("SIGKILL");
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
