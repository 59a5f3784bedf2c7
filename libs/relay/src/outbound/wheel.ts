/** One timer for all streams: each looks at the clock by itself, once a tick. It stands still while there is none. */
export type Wheel = { add: (turning: Turning) => void, remove: (turning: Turning) => void, readonly size: number }
/** `fault`: `tick` threw. */
export type Turning = { tick: () => void, fault: (error: unknown) => void }

export function createWheel (tickMs: number): Wheel {
  const all = new Set<Turning>()
  let timer: NodeJS.Timeout | undefined
  return {
    add: turning => {
      all.add(turning)
      timer ??= setInterval(() => {
        for (const each of all) {
          try { each.tick() } catch (error) { each.fault(error) }
        }
      }, tickMs)
    },
    remove: turning => {
      all.delete(turning)
      if (all.size > 0) return
      clearInterval(timer)
      timer = undefined
    },
    get size () { return all.size },
  }
}
