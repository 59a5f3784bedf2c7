// Expected against named cause: what is off the diagonal is a wrong verdict.
import { CAUSES, type Cause } from '@dialtone/contracts'

export type Judged = { name: string, expected: Cause, named: Cause }

/** Rows are expected causes, columns are named ones, both in the order of the vocabulary; only causes that occur are shown. */
export function confusionMatrix (judged: readonly Judged[]): string[] {
  const shown = CAUSES.filter(cause => judged.some(({ expected, named }) => cause === expected || cause === named))
  const label = Math.max(...shown.map(cause => cause.length))
  const numbers = shown.map((_, at) => String(at + 1))
  const heading = (digit: (number: string) => string) => `${' '.repeat(label + 4)} ${numbers.map(number => digit(number).padStart(2)).join('')}`.trimEnd()
  const rows = shown.map((expected, at) => {
    const counts = shown.map(named => judged.filter(entry => entry.expected === expected && entry.named === named).length)
    return `${numbers[at]?.padStart(3)} ${expected.padEnd(label)} ${counts.map(count => cell(count).padStart(2)).join('')}`
  })
  return [heading(number => number.length > 1 ? number.slice(0, -1) : ''), heading(number => number.slice(-1)), ...rows]
}

/** The entries whose named cause is not the expected one. */
export function offDiagonal (judged: readonly Judged[]): Judged[] {
  return judged.filter(({ expected, named }) => expected !== named)
}

function cell (count: number): string {
  return count === 0 ? '·' : count > 9 ? '+' : String(count)
}
