/** Time as an argument. Both in milliseconds: `now` since the epoch, `elapsed` monotonic from an arbitrary start. */
export type Clock = { now: () => number, elapsed: () => number }

/** Cryptographic randomness as an argument. */
export type Random = { bytes: (count: number) => Uint8Array }

/** Digests as an argument: text in (UTF-8), lower-case hex out. `same` compares in a time that depends on the lengths alone. */
export type Digest = { sha256: (text: string) => string, hmacSha256: (key: string, text: string) => string, same: (a: string, b: string) => boolean }

/** What of an AbortSignal the pure parts need; every AbortSignal is one. */
export type Signal = {
  readonly aborted: boolean
  throwIfAborted: () => void
  addEventListener: (type: 'abort', listener: () => void, options?: { once?: boolean }) => void
  removeEventListener: (type: 'abort', listener: () => void) => void
}
