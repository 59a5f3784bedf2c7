#!/bin/sh
# Writes what compose.yaml takes from ./secrets, beside this file: the users of the bus, the certificate of control, passwords. What is there is kept. As root, whom the numbers of the
# containers' users mean something to. Needs openssl, and the image dialtone:0.1.0 or, with DIALTONE_NODE, a Node 24 in a clone that has its packages.
#
#     sh deploy/compose/bootstrap.sh
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
secrets=${DIALTONE_SECRETS:-$here/secrets}
vantages=${DIALTONE_VANTAGES:-inside outside}
gateways=${DIALTONE_GATEWAYS:-edge}
app=65532:65532
prometheus=65534
mkdir -p "$secrets/nats"

set -- --folder "$secrets/nats" --listen 0.0.0.0:4222 --monitor 127.0.0.1:8222 --store-dir /data/jetstream
for vantage in $vantages; do set -- "$@" --vantage "$vantage"; done
for gateway in $gateways; do set -- "$@" --gateway "$gateway"; done
if [ -n "${DIALTONE_NODE:-}" ]; then
  "$DIALTONE_NODE" "$here/../nats/write-users.ts" "$@"
else
  docker run --rm --network none --user 0:0 --volume "$secrets:$secrets" --entrypoint /opt/dialtone/node_modules/.bin/node dialtone:0.1.0 /opt/dialtone/deploy/nats/write-users.ts "$@"
fi

# The first names are for containers, the others for people on this host; add the name by which others reach control.
[ -e "$secrets/control.key" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -subj /CN=control \
  -addext "subjectAltName=DNS:control,DNS:localhost,IP:127.0.0.1${DIALTONE_NAME:+,DNS:$DIALTONE_NAME}" -keyout "$secrets/control.key" -out "$secrets/control.crt" 2> /dev/null
for gateway in $gateways; do
  [ -e "$secrets/gateway-$gateway.secret" ] || openssl rand -base64 32 > "$secrets/gateway-$gateway.secret"
done
[ -e "$secrets/grafana.password" ] || openssl rand -base64 18 > "$secrets/grafana.password"
# Filled in later, in place: a container goes on seeing the file that it was given.
[ -e "$secrets/prometheus.token" ] || : > "$secrets/prometheus.token"

chmod 711 "$secrets" "$secrets/nats"
chmod 444 "$secrets/control.crt"
chown "$app" "$secrets"/nats/* "$secrets/control.key" "$secrets"/gateway-*.secret
chown "$prometheus" "$secrets/prometheus.token"
chown 472 "$secrets/grafana.password"

cat <<EOF
Written to $secrets. Now:

  docker compose -f $here/compose.yaml up -d
  docker compose -f $here/compose.yaml logs control | grep Token       # the admin token, shown at the first start alone
  export DIALTONE_SERVER=https://localhost:5280 DIALTONE_TOKEN=... NODE_EXTRA_CA_CERTS=$secrets/control.crt
  bin/dialtone token create prometheus --role viewer > $secrets/prometheus.token
EOF
