/** Numbers that a double would change come as texts with all their digits, and nothing else changes. */

import assert from "node:assert/strict";
import {test} from "node:test";

import fc from "fast-check";

import {quotingOf} from "../src/exact.js";
import {Parser} from "../src/parser.js";

/** A JSON number as the gateway writes it. */
const number = fc
  .tuple(fc.boolean(), fc.bigInt({min: 0n, max: 10n ** 38n}), fc.option(fc.nat(), {nil: null}), fc.option(fc.integer({min: -30, max: 30}), {nil: null}))
  .map(([minus, whole, fraction, exponent]) => `${minus ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}${exponent === null ? "" : `e${exponent}`}`);

/** Names, also such that look like JSON. */
const name = fc.oneof(
  fc.constantFrom("ID", "AMOUNT", "N$", "A B", "膠", 'A"B', "A\\", ",", ':"ID":1,"', "{"),
  fc.string({minLength: 1, maxLength: 5}),
);

/** Texts, also such that look like members. */
const text = fc.oneof(fc.constantFrom(',"ID":12', '{"ID":1}', '\\",', '", "ID": 1', ","), fc.string({unit: "binary"}));

const table = fc.uniqueArray(fc.record({name, exact: fc.boolean(), kind: fc.constantFrom("number", "text")}), {
  selector: (column) => column.name,
  minLength: 1,
  maxLength: 6,
});

test("every number of a column that needs it becomes a text of its digits; everything else stays", () => {
  fc.assert(
    fc.property(table, fc.infiniteStream(number), fc.infiniteStream(text), fc.infiniteStream(fc.nat(5)), (columns, numbers, texts, chances) => {
      const next = (/** @type {any} */ stream) => stream.next().value;
      const rows = Array.from({length: 3}, () =>
        columns.map(({name, exact, kind}) => {
          if (next(chances) === 0) return {name, json: "null", wanted: null};
          if (kind === "text") {
            const value = next(texts);
            return {name, json: JSON.stringify(value), wanted: value};
          }
          const source = next(numbers);
          return {name, json: source, wanted: exact ? Number(source) : source};
        }),
      );
      const data = rows.map((row) => `{${row.map((each) => `${JSON.stringify(each.name)}:${each.json}`).join(",")}}`).join(",");
      const line = `{"offset":2,"type":"records","domain":"d","batch":1,"data":[${data}]}`;
      const described = columns.map(({name, exact, kind}) => ({
        name,
        type: "NUMBER",
        json: kind,
        ...(kind === "number" ? {exact_as_double: exact} : {}),
      }));
      const parser = new Parser({exact: true});
      parser.parse(JSON.stringify({offset: 1, type: "domain_start", domain: "d", columns: described}));
      const message = /** @type {any} */ (parser.parse(line));
      const wanted = rows.map((row) => row.map((each) => [each.name, each.wanted]));
      assert.deepEqual(
        message.data.map((/** @type {object} */ row) => Object.entries(row).sort(byName)),
        wanted.map((row) => row.map(([name, value]) => [name, value]).sort(byName)),
      );
    }),
    {numRuns: 1000},
  );
});

/** @param {unknown[]} a @param {unknown[]} b */
function byName(a, b) {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}

test("a domain without such columns is parsed as it is", () => {
  assert.equal(quotingOf([{name: "N", type: "INTEGER", json: "number", exact_as_double: true}]), null);
});

test("white space between the tokens changes nothing", () => {
  const quote = quotingOf([{name: "ID", type: "BIGINT", json: "number", exact_as_double: false}]);
  assert.equal(quote?.('{ "ID" : 12 , "X" : "ID" }'), '{ "ID" : "12" , "X" : "ID" }');
});

test("a stream that begins behind a domain's start has to be told the columns", () => {
  const line = '{"offset":9,"type":"records","domain":"d","batch":3,"data":[{"ID":9007199254740993}]}';
  assert.throws(() => new Parser({exact: true}).parse(line), /pass them as columns/);
  const columns = {d: [{name: "ID", type: "BIGINT", json: "number", exact_as_double: false}]};
  assert.deepEqual(/** @type {any} */ (new Parser({exact: true, columns}).parse(line)).data, [{ID: "9007199254740993"}]);
});
