/** Back-pressure (gateways.md 5.8): who feeds a route that is behind is not read until it has caught up. Counted by reason, so that each is taken back once. */
import type { Source } from '../seams.ts'

/** Why a source is stopped by one of its lanes. */
export type Stopping = 'route' | 'rate'

/** One lane's hold on its source. */
export class Grip {
  private readonly source: Source
  private readonly held = new Set<Stopping>()

  constructor (source: Source) {
    this.source = source
  }

  stop (why: Stopping): void {
    if (this.held.has(why)) return
    this.held.add(why)
    this.source.pause()
  }

  go (why: Stopping): void {
    if (this.held.delete(why)) this.source.resume()
  }

  letGo (): void {
    for (const why of this.held) this.go(why)
  }
}
