// The pairs that one stream has proved, and the lanes that take their stanzas: the hot path makes nothing and looks at nothing but the addresses.
import type { ElementFrame, Pair } from '@dialtone/stream'
import type { Lane } from '../seams.ts'
import type { Back } from './back.ts'
import type { By } from './hooks.ts'

export type Proven = { pair: Pair, by: By, lane: Lane | undefined, back: Back | undefined }

export class Pairs {
  all: Proven[] = []
  /** Of those that take stanzas, and the one that took the last. */
  private lanes: Lane[] = []
  private last = 0

  find ({ from, to }: Pair): Proven | undefined {
    return this.all.find(({ pair }) => pair.from === from && pair.to === to)
  }

  add (pair: Pair, by: By): void {
    this.all.push({ pair, by, lane: undefined, back: undefined })
  }

  open (proven: Proven, lane: Lane): void {
    proven.lane = lane
    this.lanes.push(lane)
  }

  /** Whose stanza it is, if its addresses are in their plain spelling. */
  laneOf (frame: ElementFrame): Lane | undefined {
    const { lanes } = this
    if (lanes.length === 0 || frame.kind === undefined) return undefined
    const lane = lanes[this.last] as Lane
    if (frame.pairIs(lane.from, lane.to)) return lane
    for (let at = 0; at < lanes.length; at++) {
      const other = lanes[at] as Lane
      if (at === this.last || !frame.pairIs(other.from, other.to)) continue
      this.last = at
      return other
    }
    return undefined
  }

  drop (proven: Proven): void {
    this.all.splice(this.all.indexOf(proven), 1)
    proven.back?.end(true)
    if (proven.lane === undefined) return
    this.lanes.splice(this.lanes.indexOf(proven.lane), 1)
    this.last = 0
    proven.lane.end()
  }

  /** Ways back that are there. */
  get backs (): Back[] {
    return this.all.flatMap(({ back }) => back?.open === true ? [back] : [])
  }

  /** The stream is gone. */
  end (): void {
    for (const { lane } of this.all) lane?.end()
    this.all = []
    this.lanes = []
  }
}
