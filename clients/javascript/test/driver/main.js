/** The driver of the cases as a program: one call on standard input, events on standard output. */

import {createInterface} from "node:readline";

import {run} from "./run.js";

const answers = createInterface({input: process.stdin})[Symbol.asyncIterator]();
/** @returns {Promise<string>} */
const nextLine = async () => String((await answers.next()).value);
const call = JSON.parse(await nextLine());

await run(call, async (event) => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
  return event.event === "message" ? nextLine() : "";
});
process.stdin.destroy();
