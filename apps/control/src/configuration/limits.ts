/** How large may a configuration be? Where an operator meets one of these, the answer says its number. */

/** Pairs of ours and peers. Each is a target of every inside vantage, whose document must fit into one message of the bus. */
export const MOST_PAIRS = 20_000
/** Resources in all. */
export const MOST_RESOURCES = 40_000
/** What a vantage spends on one target in an hour where its spec does not say. */
export const DEFAULT_CONNECTIONS = 1200
