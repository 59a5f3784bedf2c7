/** Requests that a server is answering, so that it can end as soon as there is none: a connection on which nothing was asked yet is no reason to wait. */
import type { Server } from 'node:http'

/** Resolves when none is under way, at once where that is so now. */
export function underWay (server: Server): () => Promise<void> {
  let count = 0
  let hearers: (() => void)[] = []
  server.on('request', (_, response) => {
    count++
    response.once('close', () => {
      if (--count > 0) return
      for (const hear of hearers) hear()
      hearers = []
    })
  })
  return () => count === 0 ? Promise.resolve() : new Promise(resolve => { hearers.push(resolve) })
}
