import assert from "node:assert/strict";
import {test} from "node:test";

import fc from "fast-check";

import {Backoff, sleep} from "../src/backoff.js";

test("a pause is anything from nothing to a ceiling that doubles up to the longest", () => {
  const highest = new Backoff({tries: 20, firstPause: 100, longestPause: 1000, random: () => 1});
  const pauses = Array.from({length: 6}, () => highest.next(true));
  assert.deepEqual(pauses, [200, 400, 800, 1000, 1000, 1000]);
  assert.equal(new Backoff({random: () => 0}).next(true), 0);
});

test("tries are bounded, and something new starts the count anew", () => {
  fc.assert(
    fc.property(fc.integer({min: 1, max: 12}), fc.array(fc.boolean(), {maxLength: 40}), (tries, came) => {
      const backoff = new Backoff({tries});
      let fruitless = 0;
      for (const news of came) {
        if (news) backoff.progress();
        fruitless = news ? 0 : fruitless + 1;
        const wait = backoff.next(!news);
        assert.equal(wait === null, fruitless >= tries);
        if (wait === null) return;
      }
    }),
  );
});

test("Retry-After is a lower bound, with the jitter on top", () => {
  const backoff = new Backoff({firstPause: 100, random: () => 0.5});
  assert.equal(backoff.next(true, 3), 3000 + 100);
});

test("a sleep ends with the signal's reason", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort("enough");
  await assert.rejects(sleeping, (reason) => reason === "enough");
});
