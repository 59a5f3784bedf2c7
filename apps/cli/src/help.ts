// Help that one can learn from: what the command answers, examples first, then the options.

export const HELP = `dialtone: can a domain be reached for XMPP federation, and if not, why?

  dialtone check DOMAIN...     check every published endpoint, name one cause
  dialtone watch DOMAIN        check again and again, print changes only
  dialtone listen              answer for a domain of the probe's own
  dialtone lint DOMAIN...      judge the DNS records only; connects to nothing
  dialtone explain NAME        what a cause or a check means and what to do
  dialtone judge FILE...       judge kept observations again
  dialtone zoo                 run the checks against known failures, here

Try:  dialtone check partner.example
      dialtone COMMAND --help
`

export const CHECK_HELP = `dialtone check: can others reach DOMAIN for federation, and if not, why?

  dialtone check partner.example
  dialtone check partner.example --as ours.example
  dialtone check ours.example --ours --expect 203.0.113.10
  dialtone check partner.example --endpoint 192.0.2.7:5269
  dialtone check partner.example --as ours.example --depth shared
                                 --secret FILE

Asks DNS for both services, then speaks to every target and address in
parallel: TCP, stream header, features, STARTTLS, TLS, certificate, features
again, close. No message is sent, no user is involved. Unless a depth is
given, nothing is authenticated. Prints one cause, the evidence and what to
change.

Whom to check
  DOMAIN...             one or more domains, as in user@DOMAIN
  --from-file FILE      more domains, one a line, # comments; - is stdin
  --as OURS             check in the interest of OURS: also asks the peer
                        whether it believes that it serves OURS itself
  --ours                DOMAIN is ours: its faults are ours to mend
  --hosted-by DOMAIN    a provider that may rightly answer for OURS
  --profile NAME        what the peer is expected to be: standard (default),
                        googletalk, webex, sametime, cup, expressway
  --expect ADDRESS      DOMAIN is published at this address (repeatable)

How to look
  --resolver IP[:PORT]  ask this resolver; default: the first in resolv.conf
  --control-name NAME   a name that always resolves, to tell a broken
                        resolver from a broken domain; default: the root
  --endpoint HOST:PORT  speak to this instead of what DNS says (repeatable);
                        direct:HOST:PORT where TLS begins at once
  --cert FILE --key FILE  show this certificate (PEM) where one is asked for
  --ca FILE             trust these certificates too (PEM)
  --allow-net CIDR      may connect to this private range (repeatable);
                        private and local addresses are refused otherwise

How deep
  Servers prove who they are by certificate (EXTERNAL) or by dialback: we send
  a key, the peer calls the server of our domain and asks it whether the key is
  good, then answers us. A check can do that too, in somebody's name.

  --depth none          look only (default)
  --depth probe         in the name of a domain of the probe's own. Proves the
                        peer's dialback and our path, nothing about OURS
  --depth shared        in the name of OURS, with the dialback secret of its
                        real server, which answers the callback as always.
                        Asks the servers of OURS about a right key, too
  --depth knock         in the name of OURS with a made-up key. A healthy peer
                        calls back, and the log of our server will say that an
                        imposter claims to be us. Only an answer without a
                        callback means anything

  --secret FILE         depths probe and shared: keys are made from the text
                        in FILE. It is never printed
  --secret-of SERVER    depth shared, whose secret it is: prosody (default) or
                        cups, the text as configured; ejabberd: FILE is the
                        Erlang cookie
  --probe-domain NAME   depth probe: the probe's domain; default: --as
  --listen [ADDR:]PORT  depth probe: hear the callback here for the time of the
                        check (repeatable); its certificate is --cert --key.
                        Not given: callbacks are not seen, and keys are
                        answered by 'dialtone listen' elsewhere, if at all
  --listen-direct [ADDR:]PORT   the same where TLS begins at once
  --public-address IP   where the world reaches the listener behind NAT
                        (repeatable)
  --verify-peers        ask the peer's servers about a wrong key, too; their
                        log may say that an imposter claims to be the peer
  --quick               wait 15 s for an answer instead of 95 s

  With --cert and --key, which must be those of the name that is spoken in,
  EXTERNAL is tried first, on a connection of its own.

What to print
  --format FORMAT       text; json: one object for one domain, an array for
                        several; tap (TAP 14) or junit (XML) for CI servers
  --json                the same as --format json
  --transcript          what was sent and received, secrets masked
  --quiet               no progress

Exit code: 0 up, 1 degraded, 2 down, 3 could not tell, 64 usage.
Of several domains the worst counts: down, then could not tell, then degraded.
`

export const WATCH_HELP = `dialtone watch: check DOMAIN again and again, print what changes.

  dialtone watch partner.example --as ours.example
  dialtone watch partner.example --as ours.example --depth shared
                                 --secret FILE
  dialtone watch partner.example --every 30 --count 10 --json

The first verdict is printed, then only another one: time, old and new cause,
and the sentence. Ctrl-C ends it with a summary: how many checks, how long in
each state, and the least, median and greatest time of a check.

Waits 1 minute while the domain fails or has just changed, then 2, 4, 8, at
most 10 minutes while it is steadily up. After a refusal it waits 5 minutes
whatever is asked for: servers refuse that long once they refused, and only a
refusal that outlasts this is policy.

  --every SECONDS       always wait this long instead
  --count N             end after N checks
  --format text|json    or --json: one JSON line per change, the summary last

All options of 'dialtone check' for one domain mean the same here; a listener
(--listen) stands all the time. Not those that print or read lists: --from-file,
--parallel, --transcript.

Exit code: that of the last verdict, as for check; 141 when a line could not be
printed because its reader is gone, as with '| head -1'.
`

export const LISTEN_HELP = `dialtone listen: answer for a domain of the probe's own.

  dialtone listen --probe-domain probe.example --secret FILE
  dialtone listen --probe-domain probe.example --secret FILE
                  --cert probe.pem --key probe.key --listen-direct 5270

A small receiving server that stands on a public port until SIGINT or SIGTERM.
Whoever asks whether a key of the domain is good (db:verify) is answered from
the secret; nobody is let in, no message is taken, nothing is looked up for
strangers. A check of depth probe that runs elsewhere with the same secret gets
its answers from here, since keys are made from the secret alone. But servers
that prove themselves before they ask (Prosody) are refused as strangers and
never ask: for them run the check with --listen.

  --probe-domain NAME   the one domain that is served. Its records (SRV, or
                        the address itself at port 5269) must lead here
  --secret FILE         keys are made from the text in this file; to make one:
                        openssl rand -base64 32 > FILE
  --listen [ADDR:]PORT  where to stand (repeatable); default: port 5269 on
                        every address, IPv4 and IPv6
  --listen-direct [ADDR:]PORT   the same where TLS begins at once
  --cert FILE --key FILE   the certificate of the domain (PEM). Without it there
                        is no TLS, and strict peers do not call back
  --format text|json    one line per event, the first says where it stands;
                        default: text on a terminal, JSON lines in a pipe
  --json                the same as --format json

A reader that is too slow does not stop it: of lines that wait 1,000 are kept,
the others are dropped, and one line then tells how many.

Exit code: 0 when stopped by a signal, 64 usage, or it could not listen; 141
when the reader of the lines is gone, as with '| head -1'.
`

export const LINT_HELP = `dialtone lint: are the DNS records of DOMAIN right?

  dialtone lint partner.example
  dialtone lint partner.example --resolver 192.0.2.53

Asks the same DNS questions as check, judges the records, and says in which
order servers will try them. Connects to nothing but the resolver.

  DOMAIN...             one or more domains
  --resolver IP[:PORT]  ask this resolver; default: the first in resolv.conf
  --control-name NAME   a name that always resolves; default: the root
  --expect ADDRESS      DOMAIN is published at this address (repeatable)
  --allow-net CIDR      addresses in this private range are intended
  --format text|json    or --json

Exit code: 0 nothing to mend, 1 warnings, 2 errors, 3 could not tell, 64 usage.
`

export const EXPLAIN_HELP = `dialtone explain: what does a cause or a check mean?

  dialtone explain dns.service-disabled      a cause
  dialtone explain s2s.starttls-offer        a check
  dialtone explain                           lists all of them

  --format text|json    or --json
`

export const JUDGE_HELP = `dialtone judge: judge kept observations again, with today's rules.

  dialtone check partner.example --json > seen.json
  dialtone judge seen.json
  dialtone judge inside.json outside.json    one domain, two vantages

A FILE holds what 'dialtone check --json' printed, or bare observations.
Observations of one domain are judged together. Nothing is sent.

  --profile NAME, --expect ADDRESS, --ours, --hosted-by DOMAIN   as for check
  --format text|json    or --json

Exit code: as for check.
`

export const ZOO_HELP = `dialtone zoo: run the checks against known failures, on this machine.

  dialtone zoo                 every scenario, then the table of verdicts
  dialtone zoo NAME...         some of them
  dialtone zoo --list          their names
  dialtone zoo NAME --report   the full report of one

Starts a DNS server and scripted XMPP peers on loopback, one scenario for each
kind of failure, and compares the cause that is named with the right one.

  --format text|json    or --json

Exit code: 0 if each verdict is the right one, 1 if not, 64 usage.
`
