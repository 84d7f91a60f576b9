// `-h` and `-v`.
import { createRequire } from 'node:module'

/** The supported version of ipvsadm, and our own version. */
export function version(): string {
  const manifest = createRequire(import.meta.url)('ipvs/package.json') as { readonly version: string }
  return `ipvsadm v1.31 (command lines and output; by ipvs ${manifest.version})\n`
}

export function help(): string {
  return `${version()}
Services    -A | -E  SERVICE [-s SCHEDULER] [-b FLAGS] [-p [SECONDS]] [-M NETMASK] [--pe ENGINE] [-o]
            -D  SERVICE
Servers     -a | -e  SERVICE -r HOST[:PORT] [-g | -i | -m] [-w WEIGHT] [-x UPPER] [-y LOWER]
                     [--tun-type ipip | gue | gre] [--tun-port PORT]
                     [--tun-nocsum | --tun-csum | --tun-remcsum]
            -d  SERVICE -r HOST[:PORT]
SERVICE     -t | -u | --sctp-service  HOST[:PORT], IPv6 as [ADDRESS]:PORT
            -f MARK [-6]
Listings    -L | -l  [SERVICE] [-n] [--stats | --rate | --thresholds | --persistent-conn | --tun-info]
                     [--exact] [--nosort]
            -L -c [-n] [--persistent-conn]     -L --timeout     -L --daemon
Table       -C             remove everything         -Z [SERVICE]   counters to zero
            -S [-n]        print it as command lines -R             run command lines from stdin
Timeouts    --set TCP TCPFIN UDP                     0: unchanged
Daemons     --start-daemon master | backup [--mcast-interface NAME] [--syncid ID] [--sync-maxlen BYTES]
                     [--mcast-group ADDRESS] [--mcast-port PORT] [--mcast-ttl TTL]
            --stop-daemon master | backup

Long spellings: --add-service -A, --edit-service -E, --delete-service -D, --add-server -a, --edit-server -e,
--delete-server -d, --list -L, --clear -C, --zero -Z, --save -S, --restore -R, --help -h, --tcp-service -t,
--udp-service -u, --fwmark-service -f, --ipv6 -6, --scheduler -s, --sched-flags -b, --persistent -p, --netmask -M,
--ops -o, --real-server -r, --gatewaying -g, --ipip -i, --masquerading -m, --weight -w, --u-threshold -x,
--l-threshold -y, --connection -c, --numeric -n
`
}
