import { OperatorError } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { bodiesRefused, requests, served } from '../metrics.ts'
import { AnyDouble, Double } from './kinds.ts'
import { withRig, type StartRig } from './rig.ts'

const TIME = { timeoutMs: 10_000 }

export function commandCompliance (start: StartRig): void {
  it('is answered by who serves it for whom it is meant', () => withRig(start, async ({ a, b, counts }) => {
    await b.serve(Double, ['inside', 'one'], async ({ n }) => ({ n: 2 * n }))
    expect(await a.request(Double, ['inside', 'one'], { n: 21 }, TIME)).toEqual({ answer: { n: 42 } })
    expect(counts.of(requests, { verb: 'double', outcome: 'answered' })).toBe(1)
    expect(counts.of(served, { verb: 'double', outcome: 'answered' })).toBe(1)
  }))

  it('nobody listening is an answer, at once', () => withRig(start, async ({ a, b }) => {
    expect(await a.request(Double, ['inside', 'two'], { n: 1 }, { timeoutMs: 600_000 })).toMatchObject({ failed: 'no-responders' })
    const serving = await b.serve(Double, ['inside', 'two'], async ({ n }) => ({ n }))
    await serving.stop()
    expect(await a.request(Double, ['inside', 'two'], { n: 1 }, { timeoutMs: 600_000 })).toMatchObject({ failed: 'no-responders' })
  }))

  it('no answer in time is an answer', () => withRig(start, async ({ a, b, counts }) => {
    const gate = Promise.withResolvers<{ n: number }>()
    await b.serve(Double, ['x'], () => gate.promise)
    expect(await a.request(Double, ['x'], { n: 1 }, { timeoutMs: 50 })).toMatchObject({ failed: 'timeout' })
    expect(counts.of(requests, { outcome: 'timeout' })).toBe(1)
    gate.resolve({ n: 1 })
  }))

  it('whoever asks may give up', () => withRig(start, async ({ a, b }) => {
    const gate = Promise.withResolvers<{ n: number }>()
    const giving = new AbortController()
    await b.serve(Double, ['x'], () => {
      giving.abort()
      return gate.promise
    })
    await expect(a.request(Double, ['x'], { n: 1 }, { timeoutMs: 600_000, signal: giving.signal })).rejects.toThrow()
    await expect(a.request(Double, ['x'], { n: 1 }, { timeoutMs: 600_000, signal: giving.signal })).rejects.toThrow()
    gate.resolve({ n: 1 })
  }))

  it('a refusal says why; a bug of the handler says nothing of itself', () => withRig(start, async ({ a, b, counts }) => {
    await b.serve(Double, ['x'], async ({ n }) => {
      throw n === 1 ? new OperatorError('quarantined', 'the target is in quarantine; release it first') : new Error('secret of /etc/shadow')
    })
    expect(await a.request(Double, ['x'], { n: 1 }, TIME)).toEqual({ failed: 'refused', says: 'the target is in quarantine; release it first' })
    const bug = await a.request(Double, ['x'], { n: 2 }, TIME)
    expect(bug).toMatchObject({ failed: 'refused' })
    expect(JSON.stringify(bug)).not.toContain('shadow')
    expect([counts.of(served, { outcome: 'refused' }), counts.of(served, { outcome: 'failed' })]).toEqual([1, 1])
  }))

  it('a malformed request never reaches the handler, a malformed answer never who asked', () => withRig(start, async ({ a, b, counts }) => {
    let asked = 0
    await b.serve(Double, ['x'], async () => {
      asked++
      return { n: 'many' } as never
    })
    await expect(a.request(Double, ['x'], { n: 'one' } as never, TIME)).rejects.toMatchObject({ code: 'bad-body', message: expect.stringContaining('/n') })
    expect(await a.request(AnyDouble, ['x'], { n: 'one' }, TIME)).toMatchObject({ failed: 'refused', says: expect.stringContaining('/n') })
    expect(asked).toBe(0)
    expect(await a.request(Double, ['x'], { n: 1 }, TIME)).toMatchObject({ failed: 'malformed' })
    await b.serve(AnyDouble, ['y'], async () => ({ n: 'many' }))
    expect(await a.request(Double, ['y'], { n: 1 }, TIME)).toMatchObject({ failed: 'malformed', says: expect.stringContaining('/n') })
    expect(counts.of(bodiesRefused, { noun: 'double', at: 'arrival' })).toBe(2)
  }))

  it('those who share a target take turns', () => withRig(start, async ({ a, b, join }) => {
    const answered = [0, 0]
    for (const [index, bus] of [b, await join()].entries()) {
      await bus.serve(Double, ['inside', 'any'], async ({ n }) => {
        answered[index] = (answered[index] ?? 0) + 1
        return { n }
      }, { shared: true })
    }
    for (let n = 0; n < 60; n++) expect(await a.request(Double, ['inside', 'any'], { n }, TIME)).toEqual({ answer: { n } })
    expect(answered[0]! + answered[1]!).toBe(60)
    expect(Math.min(...answered)).toBeGreaterThan(0)
  }))

  it('more than it can work on are refused, and counted', () => withRig(start, async ({ a, b, counts }) => {
    const gate = Promise.withResolvers<{ n: number }>()
    await b.serve(Double, ['x'], () => gate.promise)
    const asking = Array.from({ length: 5 }, (_, n) => a.request(Double, ['x'], { n }, TIME))
    expect(await Promise.race(asking)).toMatchObject({ failed: 'refused' })
    gate.resolve({ n: 7 })
    const ended = await Promise.all(asking)
    expect(ended.filter(each => 'answer' in each)).toHaveLength(3)
    expect(counts.of(served, { outcome: 'busy' })).toBe(2)
  }, { served: 3 }))
}
