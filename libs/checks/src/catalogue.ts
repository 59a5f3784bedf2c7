import { addressExpected, addressFamilies, addressPublic, dnsAnswered, dnsTime, dnssec } from './dns/answers.ts'
import { legacySrv, srvDirectLookup, srvLookup, srvPort, srvRules } from './dns/records.ts'
import { claimQuestion } from './claim.ts'
import { sameCertificate } from './same-certificate.ts'
import { dates, name, purpose, strength, trust } from './endpoint/certificate.ts'
import { closing, header, speaks, stageTimes, streamError, tcp } from './endpoint/stream.ts'
import { alpn, authentication, clearAuthentication, clientCertificate, defaultCertificate, handshake, starttlsOffer, strayBytes, tlsVersion } from './endpoint/tls.ts'
import type { Check } from './check.ts'

/** Every check, in the order of the documentation. */
export const CHECKS: readonly Check[] = [
  dnsAnswered, srvLookup, srvDirectLookup, srvRules, srvPort, legacySrv, dnssec, dnsTime, addressExpected, addressPublic, addressFamilies,
  tcp, speaks, header, streamError, stageTimes, closing,
  starttlsOffer, clearAuthentication, strayBytes, handshake, tlsVersion, clientCertificate, alpn, defaultCertificate,
  trust, dates, name, purpose, strength, sameCertificate,
  authentication, claimQuestion,
]
