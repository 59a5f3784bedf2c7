// How a break is written: a name, a sentence, and what is done. Each thing done gives what undoes it.
import type { Break, Lab } from '../seams.ts'
import type { Controls, Undo } from '../world/controls.ts'

export type Doing = (controls: Controls, lab: Lab) => Undo | Promise<Undo>

/**
 * Does them in order and undoes them in the other; if one fails, those before it are undone. After either, streams between servers are ended, so that a stream from before
 * does not hide what changed.
 */
export function defineBreak<const N extends string> (name: N, says: string, ...doings: readonly Doing[]): Break & { name: N } {
  return {
    name, says,
    breaks: async lab => {
      const { controls } = lab.world
      const undos: Undo[] = []
      const undo = async (): Promise<void> => {
        // What cannot be undone now is tried again by the next heal.
        for (let last = undos.at(-1); last !== undefined; last = undos.at(-1)) {
          await last()
          undos.pop()
        }
      }
      try {
        for (const doing of doings) undos.push(await doing(controls, lab))
        await controls.settle()
      } catch (error) {
        await undo()
        throw error
      }
      return async () => {
        await undo()
        await controls.settle()
      }
    },
  }
}
