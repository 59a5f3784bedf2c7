// What control remembers and can query: one SQLite file, written by one process.

export { backupStore, type Backup } from './backup.ts'
export { openStore, type Store, type StoreLimits, type StoreOptions } from './open-store.ts'
export type { KeptObservation, ObservationFilter } from './observations.ts'
export type { SlotRow } from './slots.ts'
export type { HalfRow } from './halves.ts'
export type { SpanRow } from './spans.ts'
export type { Page, Paged } from './page.ts'
