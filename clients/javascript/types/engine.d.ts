/** What runs this. */
/** Node.js, and no browser. */
export declare const IS_NODE: boolean;
