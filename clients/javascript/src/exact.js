/**
 * Numbers that a double would change, as texts with all their digits. Pure.
 *
 * `domain_start` says which columns can have such numbers (`exact_as_double` is false). Of these columns every number becomes a text,
 * also one that a double would hold: a column keeps one type. It is done by putting quotes around the numbers before the
 * line is parsed. That gives what the source text in a reviver of `JSON.parse` gives, in every engine (Node 20 has no source
 * text), and costs a quarter: a reviver is called for each value, these patterns only for the numbers in question.
 */

/** @import {Column} from "./types.js" */

const NUMBER = "-?\\d[\\d.eE+-]*";
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_$# ]*$/u;
const TOKENS = new RegExp(`"((?:[^"\\\\]|\\\\.)*)"(?:(\\s*:\\s*)(${NUMBER})?)?`, "g");

/**
 * @typedef {(line: string) => string} Quoting puts quotes around the numbers of some columns
 *
 * @param {Column[]} columns
 * @returns {Quoting | null} null where no column needs it
 */
export function quotingOf(columns) {
  const names = columns.filter((column) => column.exact_as_double === false).map((column) => column.name);
  if (names.length === 0) return null;
  return names.every((name) => PLAIN_NAME.test(name)) ? byNames(names) : byTokens(new Set(names));
}

/**
 * A key's opening quote follows a brace or a comma. Inside a string a quote follows a backslash; and the quote that ends a
 * string is followed by none of the characters that these names begin with. So the pattern finds keys alone.
 *
 * @param {string[]} names
 * @returns {Quoting}
 */
function byNames(names) {
  const any = names.map((name) => name.replaceAll("$", "\\$")).join("|");
  const pattern = new RegExp(`([{,]\\s*"(?:${any})"\\s*:\\s*)(${NUMBER})`, "gu");
  return (line) => line.replace(pattern, '$1"$2"');
}

/**
 * Names with anything else in them: every string of the line is looked at.
 *
 * @param {Set<string>} names
 * @returns {Quoting}
 */
function byTokens(names) {
  return (line) =>
    line.replace(TOKENS, (all, key, colon, number) =>
      number !== undefined && names.has(JSON.parse(`"${key}"`)) ? `"${key}"${colon}"${number}"` : all,
    );
}
