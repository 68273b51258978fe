/** A job through a whole chain into a sink that waits: ours, and the one that was used before. */

import {Client} from "../src/index.js";

/**
 * @typedef {object} Run
 * @property {string} chain `stream`, `pull` or `naive`
 * @property {string} url
 * @property {string} job
 * @property {number} wait milliseconds of the sink for each message
 */

/**
 * @param {Run} run
 * @param {(taken: number) => unknown} report hears after each message how many records the sink has taken
 */
export async function pour({chain, url, job, wait}, report) {
  let taken = 0;
  /** @param {any} message */
  async function sink(message) {
    taken += message.type === "records" ? message.data.length : 0;
    await report(taken);
    if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  if (chain === "naive") await naive(`${url}/api/trace/job/${job}/stream`, sink);
  else {
    const flow = /** @type {import("../src/index.js").StreamOptions["flow"]} */ (chain);
    await new Client(url).stream(job, {flow}).pipeTo(new WritableStream({write: sink}));
  }
}

/**
 * A buffer that grows, lines parsed as they come, a list of what the sink has not got to yet: nothing tells the source to wait.
 *
 * @param {string} address
 * @param {(message: any) => Promise<void>} sink
 */
async function naive(address, sink) {
  const response = await fetch(address);
  const reader = /** @type {ReadableStream<any>} */ (response.body).pipeThrough(new TextDecoderStream()).getReader();
  /** @type {any[]} */
  const waiting = [];
  let ended = false;
  let wake = () => {};
  const reading = (async () => {
    let buffer = "";
    for (;;) {
      const {value, done} = await reader.read();
      if (done) break;
      buffer += value;
      const lines = buffer.split("\n");
      buffer = /** @type {string} */ (lines.pop());
      for (const line of lines) if (line.trim()) waiting.push(JSON.parse(line));
      wake();
    }
    ended = true;
    wake();
  })();
  while (waiting.length || !ended) {
    if (waiting.length) await sink(waiting.shift());
    else await new Promise((resolve) => (wake = () => resolve(undefined)));
  }
  await reading;
}
