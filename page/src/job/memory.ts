/**
 * Frees the memory of bytes that nobody needs any more, where they have some of their own. In a stream of megabytes a second the next
 * collection is far. Only for what was made here: of the memory of an answer the engine keeps a share, and the collector would not know.
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer?.(0);
}
