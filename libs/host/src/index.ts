// What an app needs of the machine it stands on: its command line, secrets by reference, files that are written whole or not at all, a state directory of its own.

export { aborted } from './aborted.ts'
export { oneOf, optionsOf, placeOf, required } from './options.ts'
export { readSecret } from './secrets.ts'
export { holdDirectory } from './state-directory.ts'
export { writeWhole } from './whole-file.ts'
