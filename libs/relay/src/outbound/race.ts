/**
 * Happy eyeballs (RFC 8305 §5): the addresses of one target, the next one begun when the one before has failed or has not answered for a while; the first
 * connection wins, the others are given up.
 */
import type { Failure } from '@dialtone/contracts'
import { connect, type Connection, type ConnectOptions } from '@dialtone/net'
import type { OutboundLimits } from './limits.ts'

export type Connected = { connection: Connection, address: string, /** Gives the connection up, whatever it is doing. */ abandon: AbortController }
export type Tried = { address: string, failure: Failure }

/** The first connection, or how each address failed. Never rejects; when the signal aborts, all are given up. */
export function race (addresses: readonly string[], options: Omit<ConnectOptions, 'address' | 'timeoutMs' | 'signal'>, { tcpMs, staggerMs }: OutboundLimits, signal: AbortSignal): Promise<{ connected?: Connected, tried: Tried[] }> {
  return new Promise(resolve => {
    const tried: Tried[] = []
    const running = new Set<AbortController>()
    let next = 0
    let timer: NodeJS.Timeout | undefined
    let over = false
    const settle = (connected?: Connected) => {
      over = true
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      if (connected !== undefined) running.delete(connected.abandon)
      for (const other of running) other.abort()
      resolve(connected === undefined ? { tried } : { connected, tried })
    }
    const abort = () => settle()
    const begin = () => {
      const address = addresses[next++]
      clearTimeout(timer)
      if (address === undefined) return
      const abandon = new AbortController()
      running.add(abandon)
      if (next < addresses.length) timer = setTimeout(begin, staggerMs)
      void one(address, abandon)
    }
    const one = async (address: string, abandon: AbortController) => {
      const result = await connect({ ...options, address, timeoutMs: tcpMs, signal: abandon.signal })
      if (over) return
      if ('connection' in result) return settle({ connection: result.connection, address, abandon })
      running.delete(abandon)
      tried.push({ address, failure: result.failure })
      if (next < addresses.length) begin()
      else if (running.size === 0) settle()
    }
    if (signal.aborted) return settle()
    signal.addEventListener('abort', abort, { once: true })
    begin()
    if (addresses.length === 0) settle()
  })
}
