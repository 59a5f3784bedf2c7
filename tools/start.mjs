// `npm start`: runs the checks against the zoo, on loopback. Arguments go to `dialtone zoo`.
import { enter } from './bootstrap.mjs'

await enter('apps/cli/src/main.ts', ['zoo', ...process.argv.slice(2)])
