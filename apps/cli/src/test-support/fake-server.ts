// A control API that says what a test wants it to say.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Out } from '../out.ts'
import { terminalOf } from '../terminal.ts'

export type Asked = { method: string, path: string, query: Record<string, string>, headers: IncomingMessage['headers'], body: unknown }
/** What is answered: JSON with status 200, or as it is told. */
export type Told = { status?: number, json?: unknown, text?: string, headers?: Record<string, string> }
/** Undefined: it has answered itself, or does not. */
export type Route = Told | ((asked: Asked, response: ServerResponse) => Told | undefined)
export type FakeServer = { url: string, asked: Asked[], [Symbol.asyncDispose]: () => Promise<void> }

const META = { name: 'dialtone', version: '0.1.0', apiVersion: 'v1', serverTime: '2026-11-23T10:00:00.000Z', seq: 1, me: { name: 'tester', role: 'admin' } }

/** Routes are `METHOD /path`; /v1/meta is there unless it is told otherwise. */
export async function fakeServer (routes: Record<string, Route>): Promise<FakeServer> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://fake')
      const text = Buffer.concat(chunks).toString()
      const one: Asked = { method: request.method ?? '', path: url.pathname, query: Object.fromEntries(url.searchParams), headers: request.headers, body: text === '' ? undefined : JSON.parse(text) }
      asked.push(one)
      const route = routes[`${one.method} ${one.path}`] ?? (one.path === '/v1/meta' ? { json: META } : problem(404, 'not-found', 'There is no such thing.'))
      const told = typeof route === 'function' ? route(one, response) : route
      if (told !== undefined) answer(response, told)
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

export function problem (status: number, code: string, detail: string, more: object = {}): Told {
  return { status, json: { type: `urn:dialtone:problem:${code}`, title: code, status, code, detail, ...more } }
}

function answer (response: ServerResponse, { status = 200, json, text, headers = {} }: Told): void {
  response.writeHead(status, { 'content-type': text === undefined ? 'application/json' : 'text/plain', ...headers })
  response.end(text ?? (json === undefined ? '' : JSON.stringify(json)))
}

/** Collects what a command prints. */
export function collectingOut (columns = 100): Out & { text: () => string, errorText: () => string } {
  const printed: string[] = []
  const told: string[] = []
  const terminal = { ...terminalOf({}, {}), columns }
  return {
    terminal, errors: terminal,
    print: text => { printed.push(text); return 0 },
    tell: text => { printed.push(text) },
    offer: bytes => { printed.push(bytes.toString()); return bytes.length },
    progress: text => { told.push(text) },
    text: () => printed.join(''), errorText: () => told.join(''),
  }
}
