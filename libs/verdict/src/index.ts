// What is wrong, whose it is and what to change, from observations alone.

export { judge } from './judge.ts'
export { CAUSE_ROWS, ORDER, type CauseRow } from './causes.ts'
