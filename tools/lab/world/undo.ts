// What undoes a thing that was done, and what is left where that fails.

/** If it fails, it can be called again; when it was done, it does nothing. */
export type Undo = () => Promise<void>

/** Something could not be done, and what had been done of it could not be undone, either: `undo` tries again. */
export class LeftBroken extends Error {
  readonly undo: Undo

  constructor (failed: unknown, undoing: unknown, undo: Undo) {
    super(`${messageOf(failed)}; and what was done could not be undone: ${messageOf(undoing)}`, { cause: failed })
    this.undo = undo
  }
}

/** Undoes what was done until something failed, and throws that; LeftBroken if undoing fails, too. */
export async function undoAfter (failed: unknown, undo: Undo): Promise<never> {
  try {
    await undo()
  } catch (error) {
    throw new LeftBroken(failed instanceof LeftBroken ? failed.cause : failed, error, undo)
  }
  throw failed instanceof LeftBroken ? failed.cause : failed
}

function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
