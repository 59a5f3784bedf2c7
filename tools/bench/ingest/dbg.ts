import { writeFileSync } from 'node:fs'
import { zooObservations } from './templates.ts'
writeFileSync('/tmp/ing/templates.json', JSON.stringify(await zooObservations()))
