/** One line per finished thing, with its outcome and ids as fields. What a peer sent is quoted and cut by who logs it. */
export type Logger = Readonly<Record<'debug' | 'info' | 'warn' | 'error', (fields: Readonly<Record<string, unknown>>, sentence: string) => void>>

export const NO_LOGGER: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Starts where `start` of an app returns; ends everything that it began, in order, and resolves when nothing of it is left. */
export type Stoppable = { stop: () => Promise<void> }
