/** How the two sides of a connection have parted, for those who have to say what became of the stanzas that were written to it. */
import type { Failure } from '@dialtone/contracts'
import type { Connection } from '@dialtone/net'

/** After both footers: clean, unless the peer threw ours away or did not take all that was written. `received`: bytes of the peer. */
export function partedOf (last: Awaited<ReturnType<Connection['end']>>, received: number): { clean: boolean, because?: Failure } {
  if (last === 'reset') return { clean: false, because: { at: 'stream', why: 'reset', received } }
  if (last === 'unsent') return { clean: false, because: { at: 'stream', why: 'went-silent', received, detail: 'did not take all that was written to it' } }
  return { clean: true }
}
