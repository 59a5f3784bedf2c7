// What an app needs of the machine it stands on: secrets by reference, files that are written whole or not at all, a state directory of its own.

export { readSecret } from './secrets.ts'
export { holdDirectory } from './state-directory.ts'
export { writeWhole } from './whole-file.ts'
