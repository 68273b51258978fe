import { describe, expect, test } from "vitest";
import { bytesOf, countOf, cutRecords, joined, parseRecords, tabSeparated, widest, type Records } from "../src/job/records";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function line(records: string[]): Uint8Array {
  return encoder.encode(`{"offset":7,"type":"records","domain":"d","batch":1,"data":[${records.join(",")}]}`);
}

function texts(records: Records): string[] {
  return Array.from({ length: countOf(records) }, (_, place) => decoder.decode(bytesOf(records, place, 1)));
}

const AWKWARD = ['},{"ID":', '"},{"ID":1', "}]}", "\\", '\\"},{"ID":', ']}\n[{"data":[', "},{", "晶圓切割 💠", "\u2028", '"data":['];

describe("the records of a line", () => {
  test("are found without parsing it", () => {
    const records = ['{"ID":1,"T":"a"}', '{"ID":2,"T":null}', '{"ID":3,"T":"c"}'];
    expect(texts(cutRecords(line(records)))).toEqual(records);
    expect(texts(cutRecords(line(records.slice(0, 1))))).toEqual(records.slice(0, 1));
  });

  test("of an empty page are none", () => {
    const page = '{"domain":"d","offset":0,"limit":5,"total":0,"status":"complete","data":[]}';
    expect(countOf(cutRecords(encoder.encode(page)))).toBe(0);
  });

  test("may hold anything that looks like their border", () => {
    // Each text beside each other one, in the first and in the last member.
    const records = AWKWARD.flatMap((one) => AWKWARD.map((other) => JSON.stringify({ ID: one, B: 1, C: other })));
    const found = texts(cutRecords(line(records)));
    expect(found).toEqual(records);
    expect(found.map((text) => JSON.parse(text) as unknown)).toHaveLength(AWKWARD.length ** 2);
  });

  test("may be named by what looks like a border", () => {
    for (const name of ["}", "晶圓", '},{"ID"', "a:b", "]"]) {
      const records = AWKWARD.map((text) => JSON.stringify({ [name]: text, B: 1 }));
      expect(texts(cutRecords(line(records)))).toEqual(records);
    }
  });

  test("are given several at a time with the commas between them", () => {
    const records = ['{"ID":1}', '{"ID":2}', '{"ID":3}'];
    expect(decoder.decode(bytesOf(cutRecords(line(records)), 1, 2))).toBe('{"ID":2},{"ID":3}');
  });

  test("of several lines are put together, those without any left out", () => {
    const parts = [[], ['{"ID":1}'], ['{"ID":22}', '{"ID":3}'], [], ['{"ID":4,"T":"晶"}']];
    const whole = joined(parts.map((records) => cutRecords(line(records))));
    expect(texts(whole)).toEqual(parts.flat());
    expect(decoder.decode(bytesOf(whole, 0, 4))).toBe(parts.flat().join(","));
    expect(countOf(joined([]))).toBe(0);
  });

  test("become cells, numbers digit for digit, where the engine tells the source text", () => {
    const record = '{"ID":488103800000000001,"X":1.0000000000,"Y":1e400,"T":"a\\tb","N":null,"B":true}';
    const { names, numeric, rows } = parseRecords(encoder.encode(record));
    expect(names).toEqual(["ID", "X", "Y", "T", "N", "B"]);
    expect(numeric).toEqual([true, true, true, false, false, false]);
    expect(rows).toEqual([["488103800000000001", "1.0000000000", "1e400", "a\tb", null, "true"]]);
  });
});

test("a spreadsheet gets back what was copied", () => {
  const text = tabSeparated(["A", "B"], [["1", null], ["two\nlines", 'a "quote"'], ["tab\there", ""]]);
  expect(text).toBe('A\tB\n1\t\n"two\nlines"\t"a ""quote"""\n"tab\there"\t');
});

test("full-width characters are wider than others", () => {
  const [latin, chinese, none] = widest([["12345678", "晶圓切割", null], ["1", "", null]]);
  expect(latin).toBe(8);
  expect(chinese).toBeGreaterThan(6);
  expect(none).toBe(4);
});
