// Something that one break at a time can change, and that has to be itself again when it is done.
import { OperatorError } from '@dialtone/kernel'
import { undoAfter, type Undo } from './undo.ts'

export type Layer<T> = {
  /**
   * Puts a value in force for the break `by`; what it gives puts the base back. Refused, with the name, while another break has it changed. If the value cannot be put in
   * force, the base is; if that cannot be, either, LeftBroken.
   */
  lay: (by: string, value: T) => Promise<Undo>
  /** What is in force, or is to be. */
  current: () => T
}

/** In force is the base, or what was laid. `apply` makes it so. */
export function layer<T> (base: T, apply: (value: T) => Promise<void>): Layer<T> {
  let [current, holder]: [T, string | undefined] = [base, undefined]
  return {
    current: () => current,
    lay: async (by, value) => {
      if (holder !== undefined) throw new OperatorError('taken', `'${by}' changes what '${holder}' has changed; heal '${holder}' first`)
      ;[current, holder] = [value, by]
      let lifted = false
      const lift = async (): Promise<void> => {
        if (lifted) return
        current = base
        await apply(base)
        ;[lifted, holder] = [true, undefined]
      }
      try {
        await apply(value)
      } catch (error) {
        await undoAfter(error, lift)
      }
      return lift
    },
  }
}
