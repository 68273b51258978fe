/** Random NDJSON and random cuts of its bytes, for property tests. */

import fc from "fast-check";

const encoder = new TextEncoder();

/** A text with what is hard to cut: characters of one to four bytes, quotes, line ends. */
const text = fc.string({unit: fc.oneof(fc.constantFrom("a", "é", "膠", "😀", '"', "\\", "\n", "\r", "\u2028"), fc.string())});

const value = fc.oneof(fc.integer(), fc.double({noNaN: true, noDefaultInfinity: true}), fc.boolean(), fc.constant(null), text);

/** What a line holds: an object as messages are. */
export const message = fc.dictionary(text, value).map((members) => ({...members, type: "records"}));

/** Lines, with their ends and what may stand between them; and whether the last one has an end. */
export const ndjson = fc.record({
  messages: fc.array(message, {maxLength: 8}),
  ends: fc.array(fc.constantFrom("\n", "\r\n", "\n\n", "\n\r\n\n", "\n \n"), {minLength: 8, maxLength: 8}),
  ended: fc.boolean(),
});

/** @param {{messages: object[], ends: string[], ended: boolean}} given @returns {Uint8Array} */
export function bytesOf({messages, ends, ended}) {
  const lines = messages.map((each, index) => JSON.stringify(each) + (ended || index + 1 < messages.length ? ends[index] : ""));
  return encoder.encode(lines.join(""));
}

/** Places between 0 and 1 where the bytes are cut. */
export const cuts = fc.array(fc.double({min: 0, max: 1, noNaN: true}), {maxLength: 30});

/** @param {Uint8Array} bytes @param {number[]} places @returns {Uint8Array[]} all of them, in order; some may be empty */
export function cutAt(bytes, places) {
  const at = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b);
  return [0, ...at].map((start, index) => bytes.slice(start, at[index] ?? bytes.length));
}
