import { expect, test } from "vitest";
import { bytes, count, duration, percent } from "../src/format";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [308_900_000, "309 MB"],
  [99_940_000, "99.9 MB"],
  [999_960, "1.0 MB"],
  [1_240_000_000, "1.2 GB"],
])("%i bytes are %s", (value, text) => {
  expect(bytes("en", value)).toBe(text);
});

test.each([
  [0.04, "0.0 s"],
  [8.42, "8.4 s"],
  [42.4, "42 s"],
  [59.99, "1:00"],
  [65, "1:05"],
  [7389, "2:03:09"],
])("%d seconds are %s", (value, text) => {
  expect(duration("en", value)).toBe(text);
});

test("numbers follow the language", () => {
  expect([count("en", 114_892), count("zh-Hant", 114_892), percent("en", 0.002761, 3), percent("en", null)]).toEqual([
    "114,892",
    "114,892",
    "0.276%",
    "–",
  ]);
});
