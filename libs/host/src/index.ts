// What an app needs of the machine it stands on: secrets by reference, files that are written whole or not at all.

export { readSecret } from './secrets.ts'
export { writeWhole } from './whole-file.ts'
