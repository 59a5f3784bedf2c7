// Something that can be changed by several at once and has to be itself again when all of them are done.

export type Layers<T> = {
  /** Puts a value in force; what it gives takes it away again, whatever was laid since; if that fails, it can be called again. If it cannot be put in force, what was before is. */
  lay: (value: T) => Promise<() => Promise<void>>
  current: () => T
}

/** In force is what was laid last and not taken away, or the base. `apply` makes it so; one at a time. */
export function layers<T> (base: T, apply: (value: T) => Promise<void>): Layers<T> {
  const laid: { value: T }[] = []
  let before: Promise<unknown> = Promise.resolve()
  const current = (): T => laid.at(-1)?.value ?? base
  const applyCurrent = async (): Promise<void> => {
    const mine = before.then(() => apply(current()))
    before = mine.catch(() => undefined)
    await mine
  }
  return {
    current,
    lay: async value => {
      const layer = { value }
      let pending = true
      const lift = async (): Promise<void> => {
        const index = laid.indexOf(layer)
        // Below another one it was not in force.
        if (index >= 0 && index < laid.length - 1) pending = false
        if (index >= 0) laid.splice(index, 1)
        if (!pending) return
        await applyCurrent()
        pending = false
      }
      laid.push(layer)
      try {
        await applyCurrent()
      } catch (error) {
        await lift().catch(() => undefined) // the first error says what is wrong
        throw error
      }
      return lift
    },
  }
}
