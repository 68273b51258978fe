/** Bytes → lines: however they are cut, the messages are those of the whole lines. */

import assert from "node:assert/strict";
import {test} from "node:test";

import fc from "fast-check";

import {chunksOf} from "../src/chunks.js";
import {ByteCutter, ByteSplitter, TextSplitter, textOf} from "../src/lines.js";
import {LineStream, MessageParserStream} from "../src/transforms.js";
import {bytesOf, cutAt, cuts, ndjson} from "./bytes.js";

const SPLITTERS = [ByteSplitter, TextSplitter];

/**
 * The lines of chunks whose memory is used again as soon as they were taken.
 *
 * @template T
 * @param {import("../src/lines.js").Splitter<T>} splitter
 * @param {Uint8Array[]} chunks
 */
function linesOf(splitter, chunks) {
  const lines = chunks.flatMap((chunk) => {
    const found = splitter.push(chunk);
    chunk.fill(0);
    return found;
  });
  return [...lines, ...splitter.end()];
}

for (const Splitter of SPLITTERS) {
  test(`${Splitter.name} gives the same messages for any split of the bytes`, () => {
    fc.assert(
      fc.property(ndjson, cuts, (given, places) => {
        const chunks = cutAt(bytesOf(given), places);
        const messages = linesOf(new Splitter(), chunks).map((line) => JSON.parse(line));
        assert.deepEqual(messages, JSON.parse(JSON.stringify(given.messages)));
      }),
      {numRuns: 500},
    );
  });

  test(`${Splitter.name} gives the same messages when the bytes come one by one`, () => {
    fc.assert(
      fc.property(ndjson, (given) => {
        const chunks = Array.from(bytesOf(given), (byte) => Uint8Array.of(byte));
        const messages = linesOf(new Splitter(), chunks).map((line) => JSON.parse(line));
        assert.deepEqual(messages, JSON.parse(JSON.stringify(given.messages)));
      }),
    );
  });

  test(`${Splitter.name} counts the ends of keep-alives among those of lines`, () => {
    const splitter = new Splitter();
    const ends = [];
    for (const text of ["\n\r\n", '{"a"', ":1}", "\n{}\n", "\n"]) {
      splitter.push(new TextEncoder().encode(text));
      ends.push(splitter.ends);
    }
    assert.deepEqual(ends, [2, 2, 2, 4, 5]);
  });

  test(`${Splitter.name} puts a line of 20 MB together`, () => {
    const message = {type: "records", data: Array.from({length: 500_000}, (_, n) => ({N: n, TEXT: "膠量正常 of a container"}))};
    const bytes = new TextEncoder().encode(`\n${JSON.stringify(message)}\n{"type":"complete"}\n`);
    assert.ok(bytes.length > 20_000_000);
    const places = Array.from({length: 400}, (_, n) => (n * 0.617) % 1);
    const lines = linesOf(new Splitter(), cutAt(bytes, places));
    assert.equal(lines.length, 2);
    assert.deepEqual(JSON.parse(/** @type {string} */ (lines[0])), message);
  });

  test(`${Splitter.name} is as new behind an end`, () => {
    const splitter = new Splitter();
    const half = new TextEncoder().encode('{"a":"膠"').subarray(0, 7);
    linesOf(splitter, [half]);
    assert.deepEqual(linesOf(splitter, [new TextEncoder().encode("{}\n")]), ["{}"]);
  });

  test(`${Splitter.name} refuses a line without an end before it fills the memory`, () => {
    const splitter = new Splitter(1000);
    const chunk = new TextEncoder().encode("x".repeat(400));
    splitter.push(chunk);
    splitter.push(chunk);
    assert.throws(() => splitter.push(chunk), {name: "NotTracestream"});
  });
}

test("the streams give the same messages for any split of the bytes", async () => {
  await fc.assert(
    fc.asyncProperty(ndjson, cuts, async (given, places) => {
      const messages = streamOf(cutAt(bytesOf(given), places)).pipeThrough(new LineStream()).pipeThrough(new MessageParserStream());
      const found = [];
      for await (const message of messages) found.push(message);
      assert.deepEqual(found, JSON.parse(JSON.stringify(given.messages)));
    }),
  );
});

/** @param {Uint8Array[]} chunks @returns {ReadableStream<Uint8Array>} */
function streamOf(chunks) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

test("a reader that takes nothing stops the source within the bounds of the queues", async () => {
  const line = new TextEncoder().encode(`{"a":"${"x".repeat(9_990)}"}\n`);
  let pulled = 0;
  const source = new ReadableStream(
    {
      pull(controller) {
        pulled += line.length;
        controller.enqueue(line);
      },
    },
    {highWaterMark: 0},
  );
  const messages = source.pipeThrough(new LineStream()).pipeThrough(new MessageParserStream());
  const reader = messages.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(pulled < 400_000, `${pulled} bytes were pulled`);
  await reader.cancel();
});

test("lines as bytes stay what they are when the memory of the chunks is used again", () => {
  fc.assert(
    fc.property(ndjson, cuts, (given, places) => {
      const cutter = new ByteCutter((line) => line.slice());
      const messages = linesOf(cutter, cutAt(bytesOf(given), places)).map((line) => JSON.parse(textOf(line)));
      assert.deepEqual(messages, JSON.parse(JSON.stringify(given.messages)));
    }),
  );
});

test("a body of bytes is read into one piece of memory, and any other stream chunk by chunk", async () => {
  const given = Array.from({length: 50}, (_, n) => new TextEncoder().encode(`chunk ${n} `.repeat(1 + 2_000 * (n % 7))));
  const whole = given.map(textOf).join("");
  const ofBytes = new ReadableStream({
    type: "bytes",
    start(controller) {
      for (const chunk of given) controller.enqueue(chunk.slice());
      controller.close();
    },
  });
  for (const [body, sizes] of /** @type {const} */ ([[ofBytes, 1], [streamOf(given), 50]])) {
    const next = chunksOf(body, true);
    const memories = new Set();
    let text = "";
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
      text += textOf(chunk);
      memories.add(sizes === 1 ? chunk.buffer.byteLength : chunk.buffer);
    }
    assert.equal(text, whole);
    assert.equal(memories.size, sizes);
  }
});
