/** The worker's side of parsing: takes lines, gives messages back, their records in pieces. */

import {Parser} from "./parser.js";

/** Records in one piece: taking one over is a short task for the page's thread. */
const PIECE = 500;

const threads = globalThis.process?.getBuiltinModule?.("node:worker_threads");
const port = threads?.parentPort ?? /** @type {any} */ (globalThis);

/** @type {Parser} */
let parser;

/** @param {{options?: import("./parser.js").ParserOptions, line?: string}} asked */
function answer({options, line}) {
  if (options) {
    parser = new Parser(options);
    return;
  }
  try {
    const message = parser.parse(/** @type {string} */ (line));
    const records = message.type === "records" ? message.data : [];
    const head = message.type === "records" ? {...message, data: []} : message;
    port.postMessage({message: head, pieces: Math.ceil(records.length / PIECE)});
    for (let at = 0; at < records.length; at += PIECE) port.postMessage({records: records.slice(at, at + PIECE)});
  } catch (error) {
    port.postMessage({error: error instanceof Error ? error.message : String(error)});
  }
}

if (threads) port.on("message", answer);
else port.onmessage = (/** @type {MessageEvent} */ event) => answer(event.data);
