/**
 * Bytes → lines. Pure.
 *
 * Rules: an incomplete line is kept as a list of parts and joined once; a text that grows by `+=` is copied again with
 * each search. A line ends with LF; a CR before it is not part of the line. Blank lines are keep-alives and are passed over.
 * The bytes are cut anywhere, also inside a character.
 *
 * There are two ways to the same lines: browsers are fastest when each chunk becomes text at once; Node when a line's bytes
 * are put together first and become text in one go (bench/).
 *
 * @typedef {object} Splitter
 * @property {(chunk: Uint8Array) => string[]} push the lines that this chunk completes
 * @property {() => string[]} end what stands behind the last line end, if anything; afterwards it is as new
 * @property {number} ends line ends so far, those of keep-alives too
 */
export type Splitter = {
    /**
     * the lines that this chunk completes
     */
    push: (chunk: Uint8Array) => string[];
    /**
     * what stands behind the last line end, if anything; afterwards it is as new
     */
    end: () => string[];
    /**
     * line ends so far, those of keep-alives too
     */
    ends: number;
};
/** A line may be this long: more than any that a gateway sends (16 MiB), so that nothing else fills the memory. */
export declare const LONGEST_LINE: number;
/** Decodes chunk by chunk and looks for the line end in the text. @implements {Splitter} */
export declare class TextSplitter implements Splitter {
    #private;
    longest: number;
    ends: number;
    /** @param {number} [longest] in UTF-16 units */
    constructor(longest?: number);
    /** @param {Uint8Array} chunk @returns {string[]} */
    push(chunk: Uint8Array): string[];
    /** @returns {string[]} */
    end(): string[];
}
/** Looks for the line end in the bytes and decodes a whole line. @implements {Splitter} */
export declare class ByteSplitter implements Splitter {
    #private;
    longest: number;
    ends: number;
    /** @param {number} [longest] in bytes */
    constructor(longest?: number);
    /** @param {Uint8Array} chunk @returns {string[]} */
    push(chunk: Uint8Array): string[];
    /** @returns {string[]} */
    end(): string[];
}
/** @returns {Splitter} the faster one of this engine */
export declare function newSplitter(): Splitter;
