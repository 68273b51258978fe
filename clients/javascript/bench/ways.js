/** Ways to read a job's log from a gateway and parse it, to be measured side by side. Each answers how many records it saw. */

import {Client} from "../src/index.js";

/** @typedef {(url: string, job: string) => Promise<number>} Way */

/** @param {string} url @param {string} job */
async function bodyOf(url, job) {
  const response = await fetch(`${url}/api/trace/job/${job}/stream`);
  return /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
}

/** @param {any} message */
function count(message) {
  return message.type === "records" ? message.data.length : 0;
}

/** What the page did that came before: a text that grows, cut by `split`. @type {Way} */
async function seed(url, job) {
  const reader = await bodyOf(url, job);
  const decoder = new TextDecoder();
  let buffer = "";
  let records = 0;
  for (;;) {
    const {value, done} = await reader.read();
    if (done) break;
    buffer += decoder.decode(value, {stream: true});
    const lines = buffer.split("\n");
    buffer = /** @type {string} */ (lines.pop());
    for (const line of lines) if (line.trim()) records += count(JSON.parse(line));
  }
  return records;
}

/**
 * By hand, no more than needed: decoded as it comes, a list of parts. With `size` a chunk is decoded in pieces of so many bytes: what the
 * client does too.
 *
 * @param {number} [size]
 * @returns {Way}
 */
function texts(size = Infinity) {
  return async (url, job) => {
    const reader = await bodyOf(url, job);
    const decoder = new TextDecoder();
    /** @type {string[]} */
    let parts = [];
    let records = 0;
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return records;
      for (let at = 0; at < value.length; at += size) {
        const text = decoder.decode(value.subarray(at, at + size), {stream: true});
        let start = 0;
        for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
          parts.push(text.slice(start, end));
          const line = parts.join("");
          parts = [];
          if (line) records += count(JSON.parse(line));
          start = end + 1;
        }
        if (start < text.length) parts.push(start ? text.slice(start) : text);
      }
    }
  };
}

/** By hand, no more than needed: bytes put together, decoded once a line. @type {Way} */
async function bytes(url, job) {
  const reader = await bodyOf(url, job);
  const decoder = new TextDecoder();
  /** @type {Uint8Array[]} */
  let parts = [];
  let held = 0;
  let records = 0;
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return records;
    let start = 0;
    for (let end = value.indexOf(10); end !== -1; end = value.indexOf(10, start)) {
      const whole = new Uint8Array(held + end - start);
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      whole.set(value.subarray(start, end), at);
      parts = [];
      held = 0;
      if (whole.length) records += count(JSON.parse(decoder.decode(whole)));
      start = end + 1;
    }
    if (start < value.length) {
      parts.push(value.subarray(start));
      held += value.length - start;
    }
  }
}

/** @param {import("../src/index.js").StreamOptions} options @returns {Way} */
function client(options) {
  return async (url, job) => {
    let records = 0;
    for await (const message of new Client(url).stream(job, options)) records += count(message);
    return records;
  };
}

/** @type {Record<string, Way>} */
export const WAYS = {
  seed,
  texts: texts(),
  pieces: texts(64 * 1024),
  bytes,
  client: client({}),
  worker: client({worker: true}),
  pull: client({flow: "pull"}),
  exact: client({exact: true}),
};

/**
 * @param {string} way
 * @param {string} url
 * @param {string} job
 * @returns {Promise<{seconds: number, records: number}>}
 */
export async function measure(way, url, job) {
  const begun = performance.now();
  const records = await /** @type {Way} */ (WAYS[way])(url, job);
  return {seconds: (performance.now() - begun) / 1000, records};
}
