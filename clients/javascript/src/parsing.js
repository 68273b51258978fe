/** Parsing here, or in a worker: the same two methods. */

import {NotTracestream, TracestreamError} from "./errors.js";
import {Parser} from "./parser.js";

/**
 * @import {Message} from "./types.js"
 * @import {ParserOptions} from "./parser.js"
 *
 * @typedef {object} Parsing
 * @property {(line: string) => Message | Promise<Message>} parse
 * @property {() => void} close
 */

/**
 * @param {boolean} inWorker
 * @param {ParserOptions} options
 * @returns {Parsing}
 */
export function newParsing(inWorker, options) {
  if (inWorker) return new WorkerParsing(options);
  const parser = new Parser(options);
  return {parse: (line) => parser.parse(line), close: () => {}};
}

/** One worker; messages come back in the order of the lines. @implements {Parsing} */
class WorkerParsing {
  /** @type {{resolve: (message: Message) => void, reject: (error: unknown) => void}[]} */
  #waiting = [];
  /** @type {{message: any, pieces: number} | null} */
  #open = null;
  /** @type {any} */
  #worker;
  /** @type {unknown} */
  #broken = null;

  /** @param {ParserOptions} options */
  constructor(options) {
    this.#worker = startWorker(
      (answer) => this.#take(answer),
      (error) => this.#break(error),
    );
    this.#worker.postMessage({options: {exact: options.exact, columns: options.columns}});
  }

  /** @param {string} line @returns {Promise<Message>} */
  parse(line) {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#waiting.push({resolve, reject});
      this.#worker.postMessage({line});
    });
  }

  close() {
    void this.#worker.terminate();
  }

  /** @param {{message?: any, pieces?: number, records?: any[], error?: string}} answer */
  #take({message, pieces = 0, records, error}) {
    if (error !== undefined) {
      this.#waiting.shift()?.reject(new NotTracestream(error));
    } else if (message !== undefined) {
      this.#open = {message, pieces};
    } else if (records !== undefined && this.#open) {
      this.#open.message.data.push(...records);
      this.#open.pieces -= 1;
    }
    if (this.#open?.pieces === 0) {
      this.#waiting.shift()?.resolve(this.#open.message);
      this.#open = null;
    }
  }

  /** @param {unknown} cause */
  #break(cause) {
    this.#broken = new TracestreamError("The worker that parses could not run.", {cause});
    for (const {reject} of this.#waiting.splice(0)) reject(this.#broken);
  }
}

/**
 * @param {(answer: any) => void} onAnswer
 * @param {(error: unknown) => void} onError
 * @returns {{postMessage: (message: unknown) => void, terminate: () => unknown}}
 */
function startWorker(onAnswer, onError) {
  if (typeof globalThis.Worker === "function") {
    const worker = new Worker(new URL("./worker.js", import.meta.url), {type: "module"});
    worker.onmessage = (event) => onAnswer(event.data);
    worker.onerror = (event) => onError(event.message || event);
    return worker;
  }
  const threads = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  if (!threads) throw new TypeError("This engine has no workers; leave out the option worker.");
  const worker = new threads.Worker(new URL("./worker.js", import.meta.url));
  worker.on("message", onAnswer);
  worker.on("error", onError);
  return worker;
}
