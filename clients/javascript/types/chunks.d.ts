/**
 * The chunks of a body, in one piece of memory that is used again, where the engine can do that.
 *
 * In Chromium the memory of a chunk is garbage that the collector gets to late: reading 300 MB takes up to 100 MB, and 20 in one piece
 * of memory, in less time. Detaching the chunks is worse: their memory stays, and the collector does not know. In Node.js the chunks
 * come sooner as they are (docs/decisions/0017).
 */
/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {boolean} [reuse] whether to use the memory again
 * @returns {() => Promise<Uint8Array | undefined>} the next chunk, to be used before the one after it is asked for; undefined at the end
 */
export declare function chunksOf(body: ReadableStream<Uint8Array>, reuse?: boolean): () => Promise<Uint8Array | undefined>;
