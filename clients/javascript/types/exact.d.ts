/**
 * Numbers that a double would change, as texts with all their digits. Pure.
 *
 * `domain_start` says which columns can have such numbers (`exact_as_double` is false). Of these columns every number becomes a text,
 * also one that a double would hold: a column keeps one type. It is done by putting quotes around the numbers before the
 * line is parsed. That gives what the source text in a reviver of `JSON.parse` gives, in every engine (Node 20 has no source
 * text), and costs a quarter: a reviver is called for each value, these patterns only for the numbers in question.
 */
import type { Column } from "./types.js";
export type Quoting = (line: string) => string;
/**
 * @typedef {(line: string) => string} Quoting puts quotes around the numbers of some columns
 *
 * @param {Column[]} columns
 * @returns {Quoting | null} null where no column needs it
 */
export declare function quotingOf(columns: Column[]): Quoting | null;
