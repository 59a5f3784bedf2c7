import { addressExpected } from './dns/address-expected.ts'
import { addressFallback } from './dns/address-fallback.ts'
import { addressFamilies } from './dns/address-families.ts'
import { addressPublic } from './dns/address-public.ts'
import { dnsAnswered } from './dns/dns-answered.ts'
import { dnsTime } from './dns/dns-time.ts'
import { dnsTtl } from './dns/dns-ttl.ts'
import { dnssec, dnssecAddresses } from './dns/dnssec.ts'
import { familyWorks } from './dns/family-works.ts'
import { idn } from './dns/idn.ts'
import { leftOut } from './dns/left-out.ts'
import { srvBalance } from './dns/srv-balance.ts'
import { srvDirectLookup } from './dns/srv-direct-lookup.ts'
import { srvLegacy } from './dns/srv-legacy.ts'
import { srvLookup } from './dns/srv-lookup.ts'
import { srvOrder } from './dns/srv-order.ts'
import { srvPort } from './dns/srv-port.ts'
import { srvRules } from './dns/srv-rules.ts'
import { tlsa } from './dns/tlsa.ts'
import { tlsaInbound } from './dns/tlsa-inbound.ts'
import { claimQuestion } from './claim.ts'
import { profileFit } from './profile-fit.ts'
import { sameCertificate } from './same-certificate.ts'
import { dates, name, purpose, strength, trust } from './endpoint/certificate.ts'
import { closing, header, speaks, stageTimes, streamError, tcp } from './endpoint/stream.ts'
import { alpn, authentication, clearAuthentication, clientCertificate, defaultCertificate, handshake, starttlsOffer, starttlsUnoffered, strayBytes, tlsVersion } from './endpoint/tls.ts'
import type { Check } from './check.ts'

/** Every check, in the order of the documentation. */
export const CHECKS: readonly Check[] = [
  dnsAnswered, dnsTime, dnsTtl,
  srvLookup, srvDirectLookup, srvLegacy, srvRules, srvOrder, srvBalance, srvPort, idn,
  addressFallback, addressFamilies, familyWorks, addressExpected, addressPublic, leftOut,
  dnssec, dnssecAddresses, tlsa, tlsaInbound,
  tcp, speaks, header, streamError, stageTimes, closing,
  starttlsOffer, starttlsUnoffered, clearAuthentication, strayBytes, handshake, tlsVersion, clientCertificate, alpn, defaultCertificate,
  trust, dates, name, purpose, strength, sameCertificate,
  authentication, profileFit, claimQuestion,
]
