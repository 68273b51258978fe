/**
 * The chunks of a body, in one piece of memory that is used again, where the engine can do that.
 *
 * In Chromium the memory of a chunk is garbage that the collector gets to late: reading 300 MB takes up to 100 MB, and 20 in one piece
 * of memory, in less time. Detaching the chunks is worse: their memory stays, and the collector does not know. In Node.js the chunks
 * come sooner as they are (docs/decisions/0017).
 */

import {IS_NODE} from "./engine.js";

const SIZE = 2 * 1024 * 1024;

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {boolean} [reuse] whether to use the memory again
 * @returns {() => Promise<Uint8Array | undefined>} the next chunk, to be used before the one after it is asked for; undefined at the end
 */
export function chunksOf(body, reuse = !IS_NODE) {
  const reader = reuse ? byobReader(body) : null;
  return reader ? reused(reader) : separate(body.getReader());
}

/** @param {ReadableStreamBYOBReader} reader @returns {() => Promise<Uint8Array | undefined>} */
function reused(reader) {
  let memory = new ArrayBuffer(SIZE);
  return async () => {
    const {value, done} = await reader.read(new Uint8Array(memory));
    if (done) return undefined;
    memory = value.buffer;
    return value;
  };
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @returns {() => Promise<Uint8Array | undefined>} */
function separate(reader) {
  return async () => (await reader.read()).value;
}

/** @param {ReadableStream<Uint8Array>} body */
function byobReader(body) {
  try {
    return body.getReader({mode: "byob"});
  } catch {
    return null;
  }
}
