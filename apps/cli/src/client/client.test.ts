import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OperatorError } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { runAgents } from '../commands/agents.ts'
import { exitOfError } from '../exit-code.ts'
import { collectingOut, fakeServer, problem, type Told } from '../test-support/fake-server.ts'
import { openApi } from './api.ts'

const { signal } = new AbortController()
const AGENTS = { json: { asOf: '2026-11-23T10:00:00.000Z', agents: [] } }

/** What a command ends with: its exit code and its sentence. */
async function ends (url: string, more: string[] = [], environment: Record<string, string> = {}): Promise<{ exit: number, says: string }> {
  try {
    return { exit: await runAgents(['--server', url, ...more], collectingOut(), signal, { DIALTONE_STATE: '/nonexistent', ...environment }), says: '' }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return { exit: exitOfError(error.code), says: error.message }
  }
}

for (const [name, told, exit, says] of [
  ['a token that is wanted', problem(401, 'unauthorized', 'Send a token.'), 77, /wants a token: give --token-file/],
  ['a role that does not suffice', problem(403, 'forbidden', 'This needs the role admin.'), 77, /may not do this: This needs the role admin/],
  ['too many requests', { ...problem(429, 'rate-limited', 'Wait 7 seconds.'), headers: { 'retry-after': '7' } }, 75, /Wait 7 seconds\. \(again after 7 s\)/],
  ['a conflict', problem(409, 'conflict', 'It has revision 7 now.'), 75, /revision 7 now/],
  ['a token of a name that is taken', problem(409, 'token-exists', "There is a token 'ci' already."), 73, /already/],
  ['a name that nothing has', problem(404, 'not-found', 'There is no such Peer.'), 66, /no such Peer/],
  ['a revision that is not the expected one', problem(412, 'precondition-failed', 'It has revision 8.'), 75, /revision 8/],
  ['a bus that is away', problem(503, 'bus-unreachable', 'The bus is away.'), 75, /bus is away/],
  ['a field that is wrong', problem(400, 'invalid-field', 'The field is wrong.', { pointer: '/spec/side' }), 78, /The field is wrong\. \(at \/spec\/side\)/],
  ['a bug', problem(500, 'internal', 'This is a bug.', { traceId: 'abc' }), 69, /failed: This is a bug\. \(trace abc\)/],
  ['a path that it does not know', problem(404, 'no-route', 'See /openapi.json.'), 69, /older than this command/],
  ['no JSON', { text: '<html>' }, 69, /no JSON/],
] as const satisfies readonly (readonly [string, Told, number, RegExp])[]) {
  it(`${name}: exit code ${exit}`, async () => {
    await using server = await fakeServer({ 'GET /v1/agents': told })
    expect(await ends(server.url)).toEqual({ exit, says: expect.stringMatching(says) as string })
  })
}

it('says that a token is not accepted, and where it came from', async () => {
  await using server = await fakeServer({ 'GET /v1/meta': problem(401, 'unauthorized', 'This token is unknown.') })
  expect((await ends(server.url, ['--token', 'x'])).says).toMatch(/does not accept the token from --token: This token is unknown/)
  expect((await ends(server.url, [], { DIALTONE_TOKEN: 'y' })).says).toMatch(/from DIALTONE_TOKEN/)
  expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer x', 'Bearer y'])
})

it('tells a server of another version, and what is no control API, from one that is down', async () => {
  await using older = await fakeServer({ 'GET /v1/meta': { json: { version: '9.0.0', apiVersion: 'v2' } } })
  expect(await ends(older.url)).toEqual({ exit: 69, says: expect.stringMatching(/version 9\.0\.0 and speaks v2; this command needs v1/) as string })
  await using other = await fakeServer({ 'GET /v1/meta': { status: 404, text: 'nope' } })
  expect((await ends(other.url)).says).toMatch(/no control API of Dialtone, or an older one/)
  const closed = createServer()
  const port = await new Promise<number>(resolve => { closed.listen(0, '127.0.0.1', () => resolve((closed.address() as AddressInfo).port)) })
  await new Promise(resolve => { closed.close(resolve) })
  expect(await ends(`http://127.0.0.1:${port}`)).toEqual({ exit: 69, says: expect.stringMatching(/nothing listens there\. Start one with 'npm start'/) as string })
})

it('does not wait for ever, and stops when it is told to', async () => {
  await using server = await fakeServer({ 'GET /v1/meta': () => undefined })
  const connection = { base: server.url, from: '--server', tokenFrom: 'none' }
  await expect(openApi(connection, signal, 100)).rejects.toThrow(/did not answer within 0\.1 s/)
  await expect(openApi(connection, AbortSignal.abort(new OperatorError('stopped', 'stopped')))).rejects.toThrow('stopped')
})

it('names what is no URL, and says so where no server is known', async () => {
  expect(await ends('ours.example')).toEqual({ exit: 64, says: expect.stringMatching(/--server 'ours\.example' is no URL/) as string })
  await expect(runAgents([], collectingOut(), signal, { DIALTONE_STATE: '/nonexistent' })).rejects.toThrow(/no control API is known here: start one/)
})

it('prints nothing of a terminal that a server may have put into its words', async () => {
  await using server = await fakeServer({ 'GET /v1/agents': problem(403, 'forbidden', 'red \u001B[31m') })
  expect((await ends(server.url)).says).not.toContain('\u001B')
  await using fine = await fakeServer({ 'GET /v1/agents': AGENTS, 'GET /v1/vantages': { json: { resources: [] } } })
  expect((await ends(`${fine.url}/v1/`)).exit).toBe(0)
})
