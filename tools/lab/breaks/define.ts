// How a break is written: a name, a sentence, and what is done. Each thing done gives what undoes it.
import type { Break, Lab } from '../seams.ts'
import type { Controls } from '../world/controls.ts'
import { LeftBroken, undoAfter, type Undo } from '../world/undo.ts'

/** `by`: the name of the break, which layers are laid by. */
export type Doing = (controls: Controls & { by: string }, lab: Lab) => Undo | Promise<Undo>

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
      const heal = async (): Promise<void> => {
        // What cannot be undone now is tried again by the next heal.
        for (let last = undos.at(-1); last !== undefined; last = undos.at(-1)) {
          await last()
          undos.pop()
        }
        await controls.settle()
      }
      try {
        for (const doing of doings) undos.push(await doing({ ...controls, by: name }, lab))
        await controls.settle()
      } catch (error) {
        if (error instanceof LeftBroken) undos.push(error.undo)
        await undoAfter(error, heal)
      }
      return heal
    },
  }
}
