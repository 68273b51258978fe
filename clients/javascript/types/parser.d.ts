/** Lines → messages. Pure; it remembers the columns of the domains it has seen begin. */
import type { Column, Message } from "./types.js";
export type ParserOptions = {
    /**
     * numbers that a double would change become texts with all their digits
     */
    exact?: boolean;
    /**
     * with `exact`: those of domains that begin before the first line, from their
     * `domain_start`
     */
    columns?: Record<string, Column[]>;
};
/**
 * @import {Column, Message} from "./types.js"
 *
 * @typedef {object} ParserOptions
 * @property {boolean} [exact] numbers that a double would change become texts with all their digits
 * @property {Record<string, Column[]>} [columns] with `exact`: those of domains that begin before the first line, from their
 *   `domain_start`
 */
export declare class Parser {
    #private;
    /** @param {ParserOptions} [options] */
    constructor({ exact, columns }?: ParserOptions);
    /**
     * @param {string} line
     * @returns {Message}
     * @throws {TracestreamError} the line is no JSON, or with `exact` its columns are not known
     */
    parse(line: string): Message;
}
