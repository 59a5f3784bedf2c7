import { defineCounter, defineGauge } from '@dialtone/kernel'

export const componentAttempts = defineCounter('dialtone_component_attempts_total', 'Streams of components (XEP-0114) that came (accept) or that we opened (connect), by how it went: ready, not-authorized, host-unknown, timeout, unreachable, broke-protocol, refused, stranger, limit, fault (of the gateway itself).', ['zone', 'mode', 'outcome'])
export const componentStreams = defineGauge('dialtone_component_streams', 'Streams of components that are authenticated.', ['zone', 'mode'])
export const componentEnded = defineCounter('dialtone_component_ended_total', 'Streams of components that have ended, by how: clean, broken, stuck (took nothing for too long), replaced (the same component came again), protocol.', ['zone', 'mode', 'how'])
export const componentRefused = defineCounter('dialtone_component_refused_total', 'Elements on streams of components that were not taken, by why: invalid-from, improper-addressing, not-ours (of or for a domain that is not served there), not-a-stanza.', ['zone', 'mode', 'why'])
export const componentPaused = defineCounter('dialtone_component_paused_total', 'Times that a component was not read any more until it had taken the errors for stanzas that are not carried on its stream.', ['zone', 'mode'])
