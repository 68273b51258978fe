/** Lines → messages. Pure; it remembers the columns of the domains it has seen begin. */

import {quotingOf} from "./exact.js";
import {NotTracestream, TracestreamError} from "./errors.js";
import {headOf} from "./head.js";

/**
 * @import {Column, Message} from "./types.js"
 *
 * @typedef {object} ParserOptions
 * @property {boolean} [exact] numbers that a double would change become texts with all their digits
 * @property {Record<string, Column[]>} [columns] with `exact`: those of domains that begin before the first line, from their
 *   `domain_start`
 */

export class Parser {
  /** @type {Map<string, import("./exact.js").Quoting | null>} */
  #quoting = new Map();
  #exact;

  /** @param {ParserOptions} [options] */
  constructor({exact = false, columns = {}} = {}) {
    this.#exact = exact;
    for (const [domain, each] of Object.entries(columns)) this.#quoting.set(domain, quotingOf(each));
  }

  /**
   * @param {string} line
   * @returns {Message}
   * @throws {TracestreamError} the line is no JSON, or with `exact` its columns are not known
   */
  parse(line) {
    if (!this.#exact) return json(line);
    const quote = headOf(line).type === "records" ? this.#quotingFor(line) : null;
    const message = json(quote === null ? line : quote(line));
    if (message.type === "domain_start") this.#quoting.set(message.domain, quotingOf(message.columns));
    return message;
  }

  /** @param {string} line */
  #quotingFor(line) {
    const domain = DOMAIN.exec(line)?.[1];
    const quoting = domain === undefined ? undefined : this.#quoting.get(JSON.parse(domain));
    if (quoting === undefined) {
      throw new TracestreamError(
        `The columns of ${domain} are not known, because the stream began behind its domain_start: pass them as columns.`,
      );
    }
    return quoting;
  }
}

const DOMAIN = /"domain":("(?:[^"\\]|\\.)*")/;

/** @param {string} line @returns {Message} */
function json(line) {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new NotTracestream(`A line is no JSON: ${line.slice(0, 80)}`, {cause: error});
  }
}
