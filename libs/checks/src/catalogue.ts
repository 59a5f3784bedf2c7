import { bidiOffer } from './deep/bidi-offer.ts'
import { callbackSource } from './deep/callback-source.ts'
import { dialbackAnswer } from './deep/dialback-answer.ts'
import { dialbackCallback } from './deep/dialback-callback.ts'
import { dialbackReverse } from './deep/dialback-reverse.ts'
import { dialbackTime } from './deep/dialback-time.ts'
import { external } from './deep/external.ts'
import { externalPurpose } from './deep/external-purpose.ts'
import { externalUnshown } from './deep/external-unshown.ts'
import { listenerPublished } from './deep/listener-published.ts'
import { ping } from './deep/ping.ts'
import { pingTime } from './deep/ping-time.ts'
import { software } from './deep/software.ts'
import { verifyAnswer } from './deep/verify-answer.ts'
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
import { alpn } from './endpoint/alpn.ts'
import { authentication } from './endpoint/authentication-offer.ts'
import { dates } from './endpoint/certificate-dates.ts'
import { name } from './endpoint/certificate-name.ts'
import { purpose } from './endpoint/certificate-purpose.ts'
import { strength } from './endpoint/certificate-strength.ts'
import { trust } from './endpoint/certificate-trust.ts'
import { closing } from './endpoint/clean-close.ts'
import { clearAuthentication } from './endpoint/clear-authentication.ts'
import { clientCertificate } from './endpoint/client-certificate.ts'
import { defaultCertificate } from './endpoint/default-certificate.ts'
import { speaks } from './endpoint/speaks-xmpp.ts'
import { stageTimes } from './endpoint/stage-times.ts'
import { starttlsOffer } from './endpoint/starttls-offer.ts'
import { starttlsUnoffered } from './endpoint/starttls-unoffered.ts'
import { strayBytes } from './endpoint/stray-bytes.ts'
import { streamError } from './endpoint/stream-error.ts'
import { header } from './endpoint/stream-header.ts'
import { tcp } from './endpoint/tcp.ts'
import { handshake } from './endpoint/tls-handshake.ts'
import { tlsVersion } from './endpoint/tls-version.ts'
import { profileFit } from './profile-fit.ts'
import { sameCertificate } from './same-certificate.ts'
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
  listenerPublished, external, externalUnshown, externalPurpose,
  dialbackAnswer, dialbackCallback, callbackSource, dialbackTime, dialbackReverse, verifyAnswer,
  bidiOffer, ping, pingTime, software,
]
