import assert from "node:assert/strict";
import {test} from "node:test";

import {flowOfThisEngine} from "../src/flow.js";
import {headOf} from "../src/head.js";

const AGENTS = {
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36": "stream",
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36": "stream",
  "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0": "pull",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15": "pull",
};

for (const [agent, flow] of Object.entries(AGENTS)) {
  test(`the flow of ${agent} is ${flow}`, (context) => {
    const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    context.after(() => {
      if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
      else Reflect.deleteProperty(globalThis, "navigator");
    });
    Object.defineProperty(globalThis, "navigator", {value: {userAgent: agent}, configurable: true});
    assert.equal(flowOfThisEngine(), flow);
  });
}

test("Node's flow is stream", () => assert.equal(flowOfThisEngine(), "stream"));

test("offset and type are read off a line's beginning, or parsed where something else comes first", () => {
  assert.deepEqual(headOf('{"offset":12,"type":"records","data":'), {offset: 12, type: "records"});
  assert.deepEqual(headOf('{ "type": "meta", "offset": 3 }'), {offset: 3, type: "meta"});
});

for (const line of ["<html>", "{", "null", "7", '"x"', "[]", "{}", '{"offset":-1,"type":"x"}', '{"offset":1}', '{"offset":1.5,"type":"x"}']) {
  test(`${line} is no message`, () => assert.throws(() => headOf(line), {name: "NotTracestream"}));
}
