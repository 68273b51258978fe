/** Carries out one call of a case (clients/cases): the same in Node and in a page. */

import {Client, ProblemError} from "../../src/index.js";

/**
 * @typedef {{event: string, [member: string]: unknown}} Event
 *
 * @typedef {object} Call
 * @property {string} url
 * @property {string} operation
 * @property {Record<string, any>} arguments
 * @property {Record<string, any>} options
 */

/**
 * @param {Call} call
 * @param {(event: Event) => Promise<string>} emit answers `go` or `abort` to a message
 */
export async function run({url, operation, arguments: given, options}, emit) {
  const client = new Client(url, optionsOf(options));
  try {
    if (operation === "stream" || operation === "records") await read(client, operation, given, emit);
    else await emit({event: "result", value: (await answer(client, operation, given)) ?? null});
    await emit({event: "end"});
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    await emit({event: "error", ...membersOf(error)});
  }
}

/** @param {Record<string, any>} options */
function optionsOf({stall_seconds, tries, backoff_seconds, flow, pull_lines, worker}) {
  const options = {
    stallTimeout: stall_seconds && stall_seconds * 1000,
    tries,
    firstPause: backoff_seconds && backoff_seconds * 1000,
    flow,
    pullLines: pull_lines,
    worker,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/**
 * @param {Client} client
 * @param {"stream" | "records"} operation
 * @param {Record<string, any>} given
 * @param {(event: Event) => Promise<string>} emit
 */
async function read(client, operation, {job, ...options}, emit) {
  /** @type {Promise<unknown>[]} */
  const told = [];
  const onConnection = (/** @type {import("../../src/index.js").Connection} */ now) => {
    if (now.state === "waiting") told.push(emit({event: "resume", offset: now.offset}));
  };
  /** @type {ReadableStream<unknown>} */
  const items = client[operation](job, {...options, onConnection});
  for await (const value of items) {
    if ((await emit({event: "message", value})) === "abort") break;
  }
  await Promise.all(told);
}

/** @param {Client} client @param {string} operation @param {Record<string, any>} given @returns {Promise<unknown>} */
async function answer(client, operation, {job, body, key, domain, offset, limit, after, status, ttl_seconds}) {
  switch (operation) {
    case "submit":
      return client.submit(body, {key});
    case "status":
      return client.status(job);
    case "list":
      return client.list({limit, after, status});
    case "page":
      return client.page(job, domain, {offset, limit});
    case "cancel":
      return client.cancel(job);
    case "remove":
      return client.remove(job);
    case "set_ttl":
      return client.setTtl(job, ttl_seconds);
    case "domains":
      return client.domains();
    default:
      throw new TypeError(`no such operation: ${operation}`);
  }
}

/** @param {Error & {offset?: unknown}} error */
function membersOf(error) {
  const common = {name: error.name, detail: error.message, offset: error.offset ?? null, stack: error.stack};
  return error instanceof ProblemError ? {...common, type: error.type, status: error.status, members: error.members} : common;
}
