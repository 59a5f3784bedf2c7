/** How long a route waits before it is tried again (gateways.md 5.3 step 11; RFC 6120 §3.3): full jitter, so that those who failed together do not come back together. */
import type { Random } from '@dialtone/kernel'

const BASE_MS = 1000
const CAP_MS = 300_000
/** After an unexpected end with something queued. */
const SOON_MS = 2000
/** A failure that nobody but an operator can mend is not tried again for each stanza. */
const PERMANENT_MS = 1000
/** A stream that did not live so long counts as one more failure. */
export const LIVED_MS = 10_000

/** After so many failures in a row, the last of which may end otherwise by itself or not. */
export function afterFailure (tries: number, temporary: boolean, random: Random): number {
  return Math.max(temporary ? 0 : PERMANENT_MS, grown(tries, random))
}

/** After a stream; `tries`: how many have failed or not lived in a row. The first time after a clean end it is at once. */
export function afterStream (tries: number, clean: boolean, random: Random): number {
  return clean && tries <= 1 ? 0 : Math.max(tries <= 1 ? 0 : grown(tries, random), unit(random) * SOON_MS)
}

function grown (tries: number, random: Random): number {
  return unit(random) * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(tries - 1, 20))
}

/** A number from 0 up to 1. */
function unit (random: Random): number {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return (a * 65_536 + b * 256 + c) / 16_777_216
}
