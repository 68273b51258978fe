/** Parsing here, or in a worker: the same two methods. */
import type { Message } from "./types.js";
import type { ParserOptions } from "./parser.js";
export type Parsing = {
    parse: (line: string) => Message | Promise<Message>;
    close: () => void;
};
/**
 * @import {Message} from "./types.js"
 * @import {ParserOptions} from "./parser.js"
 *
 * @typedef {object} Parsing
 * @property {(line: string) => Message | Promise<Message>} parse
 * @property {() => void} close
 */
/**
 * @param {boolean} inWorker
 * @param {ParserOptions} options
 * @returns {Parsing}
 */
export declare function newParsing(inWorker: boolean, options: ParserOptions): Parsing;
