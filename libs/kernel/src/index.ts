// What every file may know. No dependencies, no time, no network: those come in as arguments of these shapes.

export { unreachable } from './unreachable.ts'
export { OperatorError } from './operator-error.ts'
export { type Clock, type Digest, type Random } from './given.ts'
export { quoted } from './quoted.ts'
