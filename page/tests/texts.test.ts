import { expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { zhHant } from "../src/i18n/zh-Hant";

const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

test.each(Object.keys(en) as (keyof typeof en)[])("%s says the same in both languages", (key) => {
  expect(zhHant[key]).toBeTruthy();
  expect(places(zhHant[key])).toEqual(places(en[key]));
});
