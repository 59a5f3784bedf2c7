// Help that one can learn from: what the command answers, examples first, then the options.

export const HELP = `dialtone: can a domain be reached for XMPP federation, and if not, why?

  dialtone check DOMAIN...     check every published endpoint, name one cause
  dialtone watch DOMAIN        check again and again, print changes only
  dialtone listen              answer for a domain of the probe's own
  dialtone lint DOMAIN...      judge the DNS records only; connects to nothing
  dialtone explain NAME        what a cause or a check means and what to do
  dialtone judge FILE...       judge kept observations again
  dialtone zoo                 run the checks against known failures, here
  dialtone split-horizon check   do inside servers find the gateway?

A fleet: agents that look all the time, and a control API that answers
  dialtone up                  all of it in this process
  dialtone control             the control API alone
  dialtone probe               the agent of one vantage alone
  dialtone gateway --name NAME   a gateway alone: it carries stanzas

Of a fleet that runs
  dialtone overview            every domain and pair, and its cause
  dialtone describe DOMAIN     all that is known about one, or one pair
  dialtone run DOMAIN          check it now, from every vantage
  dialtone watch               what changes, live
  dialtone incidents           what is wrong, one line a cause
  dialtone agents              who looks, and how they are
  dialtone gateways            who carries stanzas, and how they are
  dialtone gateway VERB NAME   start, drain, stop, hold, block; all or a part
  dialtone streams GATEWAY     its streams; queues GATEWAY: what waits there
  dialtone explain-route FROM TO   what would happen to a stanza, and why
  dialtone get KIND            the configuration
  dialtone apply -f FILE       change it
  dialtone delete KIND NAME    take one resource out of it
  dialtone token               who may ask
  dialtone health URL          is this process well? for health checks
  dialtone backup              copy what a control remembers

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

export const WATCH_HELP = `dialtone watch: print what changes; without a domain, of a whole fleet.

  dialtone watch                     the fleet of a control API, live
  dialtone watch partner.example     one domain, checked from here

With a DOMAIN: checks it again and again from here, and asks no control API.

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

Without a DOMAIN: shows what is not up, then follows the events of the control
API: verdicts, incidents, changes of records and certificates, agents. Lines
are only added. When the connection is lost it says so and goes on where it
stopped; what was missed is read again.

  --server URL, --token-file FILE    which control API, as for overview
  --count N                          end after N events
  --json                             one event per line, as the API sends them

Exit code: that of the last verdict, as for check; 0 for a fleet; 141 when a
line could not be printed because its reader is gone, as with '| head -1'.
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

export const SPLIT_HORIZON_HELP = `dialtone split-horizon: do inside servers find the gateway?

  dialtone split-horizon check --inside ours.example partner.example
  dialtone split-horizon check --server http://control:8080
  dialtone split-horizon zone --for unbound --gateway gateway.ours.example
                              --address 10.0.0.5 partner.example

An inside server behind a gateway has a DNS view of its own, in which every
foreign domain's XMPP service is the gateway, and none of its own domains is.

check: run it on the machine of the inside server. Asks its resolver about
foreign domains, a made-up one among them, and about those inside; then comes
to the gateway as a server would, and reads the header of its answer. Says
whether the view is effective, which domains still lead to the Internet, and
what to change. Nothing is authenticated and no message is sent.

  DOMAIN...             foreign domains to ask about
  --inside DOMAIN       a domain of ours (repeatable)
  --server URL          ask about the peers and domains that are configured, too
  --gateway NAME        what foreign domains should lead to; default: what the
                        made-up domain leads to
  --resolver IP[:PORT]  ask this resolver; default: the first in resolv.conf
  --no-connect          ask DNS alone
  --format text|json    or --json

zone: the records for a resolver that is not the gateway's own, for peers that
are few and known.

  --for unbound|dnsmasq|bind
  --gateway NAME        what records point to
  --address IP          its address inside (repeatable)
  --port PORT           default 5269
  --direct-port PORT    direct TLS; default: said not to be there
  DOMAIN..., --server URL   for these domains, and the configured peers

Exit code of check: 0 the view is effective, 1 in part, 2 it is not, or the
gateway does not answer, 3 could not tell, 64 usage.
`

export const EXPLAIN_HELP = `dialtone explain: what does a cause or a check mean?

  dialtone explain dns.service-disabled      a cause
  dialtone explain s2s.starttls-offer        a check
  dialtone explain dns.nxdomain --runbook    how to confirm and mend it, whole
  dialtone explain DialtoneAgentDown --runbook   likewise of an alert
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

const WHICH_SERVER = `Which control API
  --server URL          default: DIALTONE_SERVER, else the one that
                        'dialtone up' or 'npm start' left word of here
  --token-file FILE     a file with the token; default: DIALTONE_TOKEN, else the
                        one that was left beside it
  --token TOKEN         the token itself; others on this machine may see it
`

const CLIENT_EXITS = `64 usage, 66 nothing has this name, 69 the control API is not there, is too old
or failed, 73 something has this name already, 75 try later (asked too often,
changed by somebody else meanwhile), 77 the token may not do this, 78 the
configuration is wrong.
`

export const UP_HELP = `dialtone up: the whole of Dialtone in this process.

  dialtone up                          what it remembers, or a demo fleet
  dialtone up --config fleet.yaml      these resources, applied at the start
  dialtone up --listen 127.0.0.1:8080

Starts the control API, the agents of every configured vantage and every
configured gateway, on a bus and a store of its own in files: nothing else has
to be installed. Prints where it
answers and the token, once. Ctrl-C stops it (a third one at once); the next
start remembers.

Without a configuration, and where none is remembered, a demo fleet is acted
out on loopback: domains with one failure each, seen from an inside and an
outside vantage. Its time-outs and intervals are short, so that the first causes
are named after seconds; defaults are longer. Its resources are configured at
its first start alone: what you change and delete of them stays so.

  --config FILE         apply these resources (YAML or JSON, or a directory) at
                        the start; all of them or nothing
  --demo                act the demo fleet out beside what is configured
  --no-demo             never
  --vantages A,B        agents of these vantages only; 'none': of none
  --gateways A,B        these gateways only; 'none': none
  --bus nats://HOST     a NATS server with JetStream instead of the embedded bus
  --state DIR           where it remembers; default: DIALTONE_STATE, else
                        $XDG_STATE_HOME/dialtone (~/.local/state/dialtone).
                        Of observations the embedded bus keeps 24 hours, at
                        most 256 MiB
  --listen ADDRESS:PORT where the API answers; default 127.0.0.1:5280; port 0:
                        any that is free. Of loopback: it speaks no TLS
  --log LEVEL           what is logged on standard error: silent (default on a
                        terminal), error, warn (default elsewhere), info, debug
  --quiet               no live lines
  --json                one JSON object with URL and token, when it is ready

Exit code: 0 or 130 when stopped, 64 usage, 69 no bus, 78 the configuration is
wrong, the port is taken, or another process has the state.
`

export const HEALTH_HELP = `dialtone health: does a process say that it is well?

  dialtone health http://127.0.0.1:9115/healthz    it lives
  dialtone health http://127.0.0.1:9115/readyz     it does its work
  dialtone health https://127.0.0.1:5280/readyz    control with TLS

Asks once, for five seconds at most, and prints the answer. Without a URL it
asks the one in DIALTONE_HEALTH. On the loopback any certificate will do.

Exit code: 0 well, 1 not well or no answer, 64 usage.
`

export const OVERVIEW_HELP = `dialtone overview: every domain and pair of the fleet, and its cause.

  dialtone overview
  dialtone overview --short                        only what is not up
  dialtone overview --state down --side ours,path
  dialtone overview --at 2026-11-23T08:14:00Z      as it was then

'dialtone status' is the same.

  --state, --cause, --side WORD[,WORD]   only these
  --only domains|pairs
  --q TEXT              part of a name
  --at TIME             as it was then
  --short               only what is not up
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0 all up, 1 something degraded, 2 down, 3 not known, the worst of
what is shown;
${CLIENT_EXITS}`

export const DESCRIBE_HELP = `dialtone describe: all that is known about one domain, or one pair.

  dialtone describe ours.example
  dialtone describe ours.example partner.example
  dialtone describe partner.example          the one pair that it is in
  dialtone describe gateway edge             of a gateway
  dialtone describe ours.example --at 2026-11-23T08:14:00Z

Verdict, since when, who agrees, what was ruled out, every endpoint as each
vantage sees it, what changed, what to do, and what nobody asked. The names of
the sections do not change: grep for them.

  --at TIME             as it was then
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: of the verdict, as for check;
${CLIENT_EXITS}`

export const RUN_HELP = `dialtone run: check now, from every vantage, and wait for the verdict.

  dialtone run ours.example
  dialtone run ours.example partner.example
  dialtone run ours.example partner.example --deep
  dialtone run partner.example       all pairs that it is in

How far it is is told on standard error, the result on standard output.

  --deep                authenticate too, where that is configured
  --vantages A,B        only from these
  --wait SECONDS        at most; default 240
  --quiet               no progress
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: of the verdict, as for check; 3 when nobody could look;
${CLIENT_EXITS}`

export const INCIDENTS_HELP = `dialtone incidents: what is wrong, one line a cause.

  dialtone incidents                 what is open
  dialtone incidents --all           and what is over
  dialtone incidents ours.example    of one domain, or of the pairs of a peer

However many pairs one cause stops, it is one incident.

  --all                 those that are over, too
  --cause WORD          only this cause
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0;
${CLIENT_EXITS}`

export const AGENTS_HELP = `dialtone agents: who looks, from where, and how they are.

  dialtone agents

  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0;
${CLIENT_EXITS}`

export const GATEWAYS_HELP = `dialtone gateways: who carries stanzas, and how they are.

  dialtone gateways
  dialtone streams edge
  dialtone streams edge --peer partner.example
  dialtone queues edge

What is wanted of each, what it is, how many streams it has in and out, what
waits, and what an operator should know first. 'streams' and 'queues' ask one
gateway for what it has now.

  --zone NAME           of streams and queues: only of this zone
  --peer DOMAIN         only of this peer
  --ours DOMAIN         only of this domain of ours
  --most N              list so many; default 100
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0;
${CLIENT_EXITS}`

export const GATEWAY_HELP = `dialtone gateway: start, drain or stop a gateway, or a part of it.

  dialtone gateway drain edge --reason 'new kernel' --deadline 60 --wait 90
  dialtone gateway start edge
  dialtone gateway stop edge --zone dmz
  dialtone gateway hold edge --peer partner.example
  dialtone gateway block edge --pair ours.example/partner.example
  dialtone gateway retry edge --peer partner.example
  dialtone gateway close edge --stream o-17
  dialtone gateway trace edge --peer partner.example --seconds 120

Kept in its configuration, and done again by every process that comes after:
  start                 carry stanzas; of a peer or pair: as any other
  drain                 finish what there is, take nothing new
  stop                  no service; of a peer or pair: refuse it
  hold, release         of a peer or pair: let stanzas wait, and not any more
  block, unblock        of a peer or pair: refuse it, and not any more

Done at once, and forgotten:
  retry                 try routes that wait again now
  close                 close a stream, or those of a zone, peer or pair
  flush                 try to deliver what waits now
  drop                  bounce what waits to its senders
  reload                read certificates, secrets and configuration again
  trace                 show what is said on streams, without what people say:
                        names, domains, sizes and conditions

The same again changes nothing and says so.

The process itself, which carries the stanzas:
  dialtone gateway --name NAME ...   see its options with
                                     dialtone gateway --name NAME --help

  --zone NAME, --peer DOMAIN, --pair OURS/PEER   of this alone
  --stream ID           of close and trace: this one
  --seconds SECONDS     of trace: for how long, at most 600; default 60
  --deadline SECONDS    of drain and stop: what is left then is bounced
  --wait SECONDS        wait until it is so, at most 240 (of the API: 600);
                        prints whether every stanza is accounted for
  --reason TEXT, --ticket TEXT   for the audit trail
  --dry-run             say what would be done, and do nothing
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0; 1 when it was not so within --wait;
${CLIENT_EXITS}`

export const EXPLAIN_ROUTE_HELP = `dialtone explain-route: what would happen to a stanza, and why?

  dialtone explain-route ours.example partner.example
  dialtone explain-route partner.example ours.example
  dialtone explain-route ours.example partner.example --gateway edge

Asks every gateway that is there, or one. The first line is the answer; then
zones, policy and what it expects, the way and its targets, the streams that
carry it now, what waits, and how the last attempt failed, step by step.
Nothing is sent.

  --gateway NAME        ask this one alone
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0 it would be delivered, 1 it would wait, 2 it would be refused or
dropped, of several gateways the worst;
${CLIENT_EXITS}`

export const TOKEN_HELP = `dialtone token: who may ask the control API.

  dialtone token create grafana --role viewer
  dialtone token create me --role admin > my-token
  dialtone token create ci --role operator --days 30
  dialtone token list
  dialtone token delete grafana

A viewer reads, an operator also checks, stops, starts and keeps quiet for a
time (maintenance, exceptions), an admin also configures and makes tokens. A
token is printed once, alone, when it is made; only its digest is kept.

  --role ROLE           viewer (default), operator or admin
  --days N              it ends after so many days; default: never
  --format text|json    or --json

${WHICH_SERVER}
Exit code: 0;
${CLIENT_EXITS}`

export const BACKUP_HELP = `dialtone backup: copy what a control remembers, while it runs.

  dialtone backup --store /var/lib/dialtone/control.db --to control-0700.db

The copy is of one moment, sound, and for its owner alone. The configuration is
not in it, but on the bus:

  dialtone get all --format yaml > fleet.yaml

To restore it: stop control, remove FILE, FILE-wal and FILE-shm, put the copy
there, start control.

  --store FILE          as control was given it
  --to FILE             a file that is not there yet
  --format text|json    or --json

Exit code: 0; 64 usage, 66 there is no such store, 73 the copy is there already,
78 it cannot be read or written
`

export const APPLY_HELP = `dialtone apply: make files the configuration, all of them or nothing.

  dialtone apply -f fleet.yaml
  dialtone apply -f fleet/ --dry-run
  dialtone get all --format yaml > fleet.yaml

A file holds resources in YAML or JSON, several in one file, a kind, a name and
a spec each:

  kind: Domain
  name: ours.example
  spec:
    expectedAddresses: [203.0.113.10]
    internal: [{ host: 10.10.0.10, port: 5269 }]
  ---
  kind: Peer
  name: partner.example

Prints what was created, changed (field by field), left and deleted, and what
the linter finds. What is wrong is named with file and line, and then nothing
is applied.

  -f, --file FILE       or a directory, or - for standard input (repeatable)
  --dry-run             say what would change, and change nothing
  --prune               delete what is not in the files, of the kinds in them
  --format text|json    or --json: what the API answers

${WHICH_SERVER}
Exit code: 0 applied, or would be;
${CLIENT_EXITS}`

export const GET_HELP = `dialtone get: the configuration, as it is.

  dialtone get domains
  dialtone get peer partner.example
  dialtone get all --format yaml > fleet.yaml

Kinds: domains, peers, vantages, schedules, exceptions, managed-servers,
gateways, policies, routes, or all. One resource is printed in YAML, in the form
that 'dialtone apply' reads.

  --format text|yaml|json   or --json

${WHICH_SERVER}
Exit code: 0;
${CLIENT_EXITS}`

export const DELETE_HELP = `dialtone delete: take one resource out of the configuration.

  dialtone delete peer partner.example
  dialtone delete domain ours.example --dry-run

  --dry-run             say whether it could be, and change nothing
  --format text|json    or --json

${WHICH_SERVER}
Exit code: 0;
${CLIENT_EXITS}`
