// What is wrong, whose it is and what to change, from observations alone.

export { judge } from './judge.ts'
export { CAUSE_ROWS } from './causes/index.ts'
export { ORDER } from './causes/order.ts'
export type { CauseRow } from './causes/row.ts'
