/** Time as an argument. Both in milliseconds: `now` since the epoch, `elapsed` monotonic from an arbitrary start. */
export type Clock = { now: () => number, elapsed: () => number }

/** Cryptographic randomness as an argument. */
export type Random = { bytes: (count: number) => Uint8Array }
