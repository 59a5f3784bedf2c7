// The S2S routing gateway as an engine: zones, listeners, routes, queues, drain, the inside DNS responder.

export type { DialFailure, DialRequest, Intake, Lane, OutStream, Selection, Source, Surroundings, World, Zone } from './seams.ts'
