import { expect, it, vi } from 'vitest'
import { liveProgress, plainProgress } from './progress.ts'
import { terminalOf } from './terminal.ts'

const WAITING = { at: 'no-answer-yet', endpoint: 'starttls/192.0.2.7:5269/192.0.2.7', ms: 15_003 } as const

it('warns early that no answer came, how long it waits, and whether the peer has called back', () => {
  expect(linesOf(true, true)).toBe('partner.example: starttls/192.0.2.7:5269/192.0.2.7 no answer after 15 s;\n  waiting up to 95 s; the peer has called back\n')
  expect(linesOf(true, false)).toContain('; the peer has not called back\n')
  expect(linesOf(false, false)).toContain('; a callback is not seen from here\n')
})

it('shows all of that on a terminal, too', () => {
  vi.useFakeTimers()
  let text = ''
  const view = liveProgress(written => { text += written }, terminalOf({ isTTY: true, columns: 80 }, { LANG: 'C.UTF-8', NO_COLOR: '1' }), 1, { hears: true })
  view.of('partner.example')({ ...WAITING, called: true })
  vi.runAllTimers()
  expect(text).toContain('  starttls/192.0.2.7:5269/192.0.2.7  no answer after 15 s; waiting up to 95 s;\n    the peer has called back\n')
  view.close()
  vi.useRealTimers()
})

function linesOf (hears: boolean, called: boolean): string {
  let text = ''
  plainProgress(line => { text += line }, terminalOf({}, { LANG: 'C.UTF-8' }), { hears }).of('partner.example')({ ...WAITING, called })
  return text
}
