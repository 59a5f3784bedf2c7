// `npm start`: everything in one process, with the demo fleet where nothing is configured. What it remembers is in the clone. Arguments go to `dialtone up`.
import { join } from 'node:path'
import { enter, ROOT } from './bootstrap.mjs'

await enter('apps/cli/src/main.ts', ['up', '--state', join(ROOT, '.dialtone'), ...process.argv.slice(2)])
