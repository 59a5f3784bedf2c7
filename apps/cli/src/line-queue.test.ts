import { OperatorError } from '@dialtone/kernel'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { lineQueue } from './line-queue.ts'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

it('writes at once where there is room', () => {
  const { queue, text } = to(() => 100)
  queue.add('a\n')
  queue.add('b\n')
  expect(text()).toBe('a\nb\n')
})

it('keeps 1,000 lines for a reader that stalls, drops the others, and says how many where they are missing', () => {
  let room = 0
  const { queue, text } = to(() => room)
  for (let line = 1; line <= 1003; line++) queue.add(`${line}\n`)
  expect(text()).toBe('')
  room = 1
  vi.advanceTimersByTime(25)
  expect(text().split('\n').slice(-4)).toEqual(['999', '1000', '3 lost', ''])
  queue.add('next\n')
  expect(text()).toMatch(/\n1000\n3 lost\nnext\n$/)
})

it('goes on in the middle of a line', () => {
  const rooms = [2, 0, 3, 9]
  const { queue, text } = to(() => rooms.shift() ?? 0)
  queue.add('abcdefg\n')
  expect(text()).toBe('ab')
  vi.advanceTimersByTime(25)
  expect(text()).toBe('abcdefg\n')
})

it('says that nobody reads, and takes nothing more', async () => {
  const { queue, text } = to(() => { throw new OperatorError('reader-gone', 'gone') })
  queue.add('a\n')
  queue.add('b\n')
  expect(await queue.broken).toMatchObject({ code: 'reader-gone' })
  expect(text()).toBe('')
})

it('gives the last lines half a second', async () => {
  const { queue } = to(() => 0)
  queue.add('a\n')
  const closed = vi.fn()
  const closing = queue.close().finally(closed)
  await vi.advanceTimersByTimeAsync(400)
  expect(closed).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  await closing
  expect(vi.getTimerCount()).toBe(0)
})

function to (room: () => number): { queue: ReturnType<typeof lineQueue>, text: () => string } {
  let text = ''
  const queue = lineQueue(bytes => {
    const taken = bytes.subarray(0, room())
    text += taken.toString()
    return taken.length
  }, count => `${count} lost\n`)
  return { queue, text: () => text }
}
