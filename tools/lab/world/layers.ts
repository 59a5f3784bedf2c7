// Something that can be changed by several at once and has to be itself again when all of them are done.

export type Layers<T> = {
  /** Puts a value in force; what it gives takes it away again, once, whatever was laid since. If it cannot be put in force, what was before is. */
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
      const lift = async (): Promise<void> => {
        const index = laid.indexOf(layer)
        if (index < 0) return
        const seen = index === laid.length - 1
        laid.splice(index, 1)
        if (seen) await applyCurrent()
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
