/**
 * Live events of a control API for as long as somebody wants them. A stream that ends, fails or falls silent is opened again with the id of the last event, so
 * that the server sends what came meanwhile; refusals that will not go away end it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { LiveEvent } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { stopped, type Api } from './api.ts'
import { eventReader } from './sse.ts'

export type Hearing = {
  event: (event: LiveEvent, id: string | undefined) => void
  /** The server cannot replay what was missed: everything is to be read again. */
  resync?: () => void
  /** Not live any more, and why; or live again. */
  lost?: (why: string, attempt: number) => void
  live?: () => void
}

export type Patience = { silentMs: number, firstMs: number, mostMs: number, random: () => number }
/** A heart-beat comes every 15 s. */
const PATIENCE: Patience = { silentMs: 35_000, firstMs: 500, mostMs: 30_000, random: Math.random }

/** Resolves when `signal` is aborted. Rejects with an OperatorError where the server refuses (`not-allowed`, `configuration`, `not-found`). */
export async function follow (api: Api, topics: string, hearing: Hearing, signal: AbortSignal, patience: Patience = PATIENCE): Promise<void> {
  let last: string | undefined
  let attempt = 0
  while (!signal.aborted) {
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), patience.silentMs)
    const beat = () => {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), patience.silentMs)
    }
    let why = 'the stream ended'
    try {
      const response = await api.open('/v1/events', { topics }, { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) }, AbortSignal.any([signal, silence.signal]))
      const decoder = new TextDecoder()
      const read = eventReader(({ id, event, data }) => {
        last = id ?? last
        beat()
        heard(event, data, id, hearing)
      }, beat)
      beat()
      attempt = 0
      hearing.live?.()
      for await (const chunk of response.body ?? []) read(decoder.decode(chunk, { stream: true }))
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof OperatorError && LASTING.has(error.code)) throw error
      why = silence.signal.aborted ? `nothing came for ${Math.round(patience.silentMs / 1000)} s` : sentence(stopped(error, api.connection, signal, patience.silentMs))
    } finally {
      clearTimeout(timer)
    }
    attempt++
    hearing.lost?.(why, attempt)
    // 1, 2, 4 … times the first, a fifth more or less.
    await pause(Math.min(patience.mostMs, patience.firstMs * 2 ** Math.min(attempt - 1, 10)) * (0.8 + 0.4 * patience.random()), undefined, { signal }).catch(() => undefined)
  }
}

/** Refusals that the same request would meet again. */
const LASTING: ReadonlySet<string> = new Set(['not-allowed', 'configuration', 'not-found', 'reader-gone', 'cannot-write'])

function heard (event: string, data: string, id: string | undefined, hearing: Hearing): void {
  if (event === 'resync') return hearing.resync?.()
  const body = bodyOf(data)
  if (body === undefined) return
  // A body that names itself needs no name of the event.
  if ('on' in body) hearing.event(body as LiveEvent, id)
}

function bodyOf (data: string): object | undefined {
  try {
    const body: unknown = JSON.parse(data)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}

function sentence (error: unknown): string {
  return error instanceof Error ? quoted(error.message, 200) : 'the connection was lost'
}
