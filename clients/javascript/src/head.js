/** What the beginning of a line says, without parsing the rest: a line may have megabytes. Pure. */

import {NotTracestream} from "./errors.js";
import {textOf} from "./lines.js";

const HEAD = /^\{"offset":(\d{1,16}),"type":"([a-z_]{1,40})"/;

/**
 * The gateway writes `offset` and `type` first; whatever comes between them and a reader may have written the line anew, so it is
 * parsed where it does not begin so.
 *
 * @param {string} line
 * @returns {{offset: number, type: string}}
 * @throws {NotTracestream}
 */
export function headOf(line) {
  const match = HEAD.exec(line);
  if (match) return {offset: Number(match[1]), type: /** @type {string} */ (match[2])};
  const {offset, type} = parse(line) ?? {};
  if (!Number.isSafeInteger(offset) || offset < 0 || typeof type !== "string") throw strange(line);
  return {offset, type};
}

/** Bytes that hold a head, if the line begins with one. */
const HEAD_BYTES = 96;

/**
 * The same of a line's bytes.
 *
 * @param {Uint8Array} line
 * @returns {{offset: number, type: string}}
 * @throws {NotTracestream}
 */
export function headOfBytes(line) {
  const head = textOf(line.subarray(0, HEAD_BYTES));
  return headOf(HEAD.test(head) ? head : textOf(line));
}

/** @param {string} line @returns {any} */
function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    throw strange(line);
  }
}

/** @param {string} line */
function strange(line) {
  return new NotTracestream(`A line is no message of a job: ${JSON.stringify(line.slice(0, 80))}`);
}
