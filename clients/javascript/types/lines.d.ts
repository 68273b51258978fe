/**
 * Bytes → lines, as text or as the bytes they are. Pure.
 *
 * Rules: an incomplete line is kept as a list of parts and joined once; a text that grows by `+=` is copied again with
 * each search. A line ends with LF; a CR before it is not part of the line. Blank lines are keep-alives and are passed over.
 * The bytes are cut anywhere, also inside a character.
 *
 * There are two ways to the same lines: browsers are fastest when bytes become text as they come; Node when a line's bytes
 * are put together first and become text in one go (bench/).
 *
 * @template [T=string]
 * @typedef {object} Splitter
 * @property {(chunk: Uint8Array) => T[]} push the lines that this chunk completes
 * @property {() => T[]} end what stands behind the last line end, if anything; afterwards it is as new
 * @property {number} ends line ends so far, those of keep-alives too
 */
export type Splitter<T = string> = {
    /**
     * the lines that this chunk completes
     */
    push: (chunk: Uint8Array) => T[];
    /**
     * what stands behind the last line end, if anything; afterwards it is as new
     */
    end: () => T[];
    /**
     * line ends so far, those of keep-alives too
     */
    ends: number;
};
/** A line may be this long: more than any that a gateway sends (16 MiB), so that nothing else fills the memory. */
export declare const LONGEST_LINE: number;
/** @param {Uint8Array} line @returns {string} */
export declare function textOf(line: Uint8Array): string;
/** Decodes piece by piece and looks for the line end in the text. @implements {Splitter} */
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
/**
 * Looks for the line end in the bytes. An incomplete line stands in memory that is used again.
 *
 * @template T
 * @implements {Splitter<T>}
 */
export declare class ByteCutter<T> implements Splitter<T> {
    #private;
    take: (line: Uint8Array) => T;
    longest: number;
    ends: number;
    /**
     * @param {(line: Uint8Array) => T} take makes of a line what is kept of it: the bytes themselves are good until it returns
     * @param {number} [longest] in bytes
     */
    constructor(take: (line: Uint8Array) => T, longest?: number);
    /** @param {Uint8Array} chunk @returns {T[]} */
    push(chunk: Uint8Array): T[];
    /** @returns {T[]} */
    end(): T[];
}
/** Cuts in the bytes and decodes a whole line. @extends {ByteCutter<string>} */
export declare class ByteSplitter extends ByteCutter<string> {
    /** @param {number} [longest] in bytes */
    constructor(longest?: number);
}
/** @returns {Splitter} the faster one of this engine */
export declare function newSplitter(): Splitter;
