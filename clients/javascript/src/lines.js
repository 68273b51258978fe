/**
 * Bytes → lines, as text or as the bytes they are. Pure.
 *
 * Rules: an incomplete line is kept as a list of parts and joined once; a text that grows by `+=` is copied again with
 * each search. A line ends with LF; a CR before it is not part of the line. Blank lines are keep-alives and are passed over.
 * The bytes are cut anywhere, also inside a character.
 *
 * There are two ways to the same lines: browsers are fastest when bytes become text as they come; Node when a line's bytes
 * are put together first and become text in one go (bench/).
 *
 * @template [T=string]
 * @typedef {object} Splitter
 * @property {(chunk: Uint8Array) => T[]} push the lines that this chunk completes
 * @property {() => T[]} end what stands behind the last line end, if anything; afterwards it is as new
 * @property {number} ends line ends so far, those of keep-alives too
 */

import {NotTracestream} from "./errors.js";

/** A line may be this long: more than any that a gateway sends (16 MiB), so that nothing else fills the memory. */
export const LONGEST_LINE = 64 * 1024 * 1024;

const LF = 10;
const CR = 13;
const LONGEST_BLANK = 64;
const UTF8 = {ignoreBOM: true};
const DECODER = new TextDecoder("utf-8", UTF8);

/** @param {Uint8Array} line @returns {string} */
export function textOf(line) {
  return DECODER.decode(line);
}

/** Bytes that become text at once: Chromium's chunks have up to 2 MB, and what lies in the processor's cache is decoded faster. */
const PIECE = 64 * 1024;

/** Decodes piece by piece and looks for the line end in the text. @implements {Splitter} */
export class TextSplitter {
  ends = 0;
  #decoder = new TextDecoder("utf-8", UTF8);
  /** @type {string[]} */
  #parts = [];
  #held = 0;

  /** @param {number} [longest] in UTF-16 units */
  constructor(longest = LONGEST_LINE) {
    this.longest = longest;
  }

  /** @param {Uint8Array} chunk @returns {string[]} */
  push(chunk) {
    /** @type {string[]} */
    const lines = [];
    for (let at = 0; at < chunk.length; at += PIECE) {
      this.#take(this.#decoder.decode(chunk.subarray(at, at + PIECE), {stream: true}), lines);
    }
    return lines;
  }

  /** @returns {string[]} */
  end() {
    /** @type {string[]} */
    const lines = [];
    this.#take(this.#decoder.decode(), lines);
    keep(lines, this.#join(""));
    return lines;
  }

  /** @param {string} text @param {string[]} lines where the lines that it ends go */
  #take(text, lines) {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      this.ends += 1;
      keep(lines, this.#join(text.slice(start, end)));
      start = end + 1;
    }
    if (start < text.length) {
      this.#parts.push(start === 0 ? text : text.slice(start));
      this.#held += text.length - start;
      check(this.#held, this.longest);
    }
  }

  /** @param {string} last */
  #join(last) {
    if (this.#parts.length === 0) return last;
    this.#parts.push(last);
    const line = this.#parts.join("");
    this.#parts = [];
    this.#held = 0;
    return line;
  }
}

/** Looks for the line end in the bytes; a line is a view of its chunk where it lies in one. @implements {Splitter<Uint8Array>} */
export class ByteCutter {
  ends = 0;
  /** @type {Uint8Array[]} */
  #parts = [];
  #held = 0;

  /**
   * @param {number} [longest] in bytes
   * @param {boolean} [owned] nobody else has the chunks: the memory of those that are copied into a line is freed at once
   */
  constructor(longest = LONGEST_LINE, owned = false) {
    this.longest = longest;
    this.owned = owned;
  }

  /** @param {Uint8Array} chunk @returns {Uint8Array[]} */
  push(chunk) {
    /** @type {Uint8Array[]} */
    const lines = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.ends += 1;
      this.#keep(lines, this.#join(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start));
      this.#held += chunk.length - start;
      check(this.#held, this.longest);
    }
    return lines;
  }

  /** @returns {Uint8Array[]} */
  end() {
    /** @type {Uint8Array[]} */
    const lines = [];
    this.#keep(lines, this.#join(new Uint8Array(0)));
    return lines;
  }

  /** @param {Uint8Array} last */
  #join(last) {
    if (this.#parts.length === 0) return last;
    const whole = new Uint8Array(this.#held + last.length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    whole.set(last, at);
    if (this.owned) this.#parts.forEach(free);
    this.#parts = [];
    this.#held = 0;
    return whole;
  }

  /** @param {Uint8Array[]} lines @param {Uint8Array} line */
  #keep(lines, line) {
    const bytes = line.at(-1) === CR ? line.subarray(0, -1) : line;
    if (bytes.length > LONGEST_BLANK || textOf(bytes).trim() !== "") lines.push(bytes);
  }
}

/** Cuts in the bytes and decodes a whole line. @implements {Splitter} */
export class ByteSplitter {
  #cutter;

  /** @param {number} [longest] in bytes */
  constructor(longest = LONGEST_LINE) {
    this.#cutter = new ByteCutter(longest);
  }

  get ends() {
    return this.#cutter.ends;
  }

  /** @param {Uint8Array} chunk @returns {string[]} */
  push(chunk) {
    return this.#cutter.push(chunk).map(textOf);
  }

  /** @returns {string[]} */
  end() {
    return this.#cutter.end().map(textOf);
  }
}

/** @returns {Splitter} the faster one of this engine */
export function newSplitter() {
  return IS_NODE ? new ByteSplitter() : new TextSplitter();
}

const IS_NODE = typeof globalThis.process?.versions?.node === "string";

/**
 * Frees the memory of a chunk that is one part of a line and nothing else. In a stream of megabytes a second the next collection is far.
 *
 * @param {Uint8Array} part
 */
function free({buffer, byteLength}) {
  if (buffer.byteLength !== byteLength) return;
  /** @type {{transfer?: (size: number) => unknown}} */ (buffer).transfer?.(0);
}

/** @param {string[]} lines @param {string} line */
function keep(lines, line) {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (text.length > LONGEST_BLANK || text.trim() !== "") lines.push(text);
}

/** @param {number} held @param {number} longest */
function check(held, longest) {
  if (held > longest) throw new NotTracestream(`A line has more than ${longest} bytes.`);
}
