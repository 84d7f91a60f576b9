// The file that `ipvs-director init` prints.

/** A site to begin with. It has no problems, and every line says what it is for. */
export const exampleSite = `# Site of ipvs-director: what the virtual services of this host are.
# "ipvs-director validate" checks it, "ipvs-director schema" prints a JSON Schema for editors.
version: 1

defaults:
  forwarding: masquerade        # direct: servers answer clients themselves; tunnel: through an encapsulation
  check: { interval: 5s, timeout: 2s, rise: 2, fall: 3 }

services:
  web:
    # Clients connect to this address. Several ports or addresses: one service by firewall mark.
    virtual: { address: 192.0.2.10, protocol: tcp, ports: [80, 443] }
    scheduler: wlc
    persistence: { timeout: 6m } # a client stays at its server
    servers:
      - { name: web1, address: 10.0.0.11 }
      - { name: web2, address: 10.0.0.12, weight: 2 }
    checks:                     # all must succeed
      - http: { path: /, status: 200-399 }
      - https: { path: /, serverName: www.example.com, minimumDaysValid: 7 }
    slowStart: { for: 30s, from: 10% }

  dns:
    virtual: { address: 192.0.2.53, protocol: udp, port: 53 }
    servers:
      - { name: ns1, address: 10.0.0.53 }
      - { name: ns2, address: 10.0.0.54 }
    checks:
      - dns: { query: example.com, type: SOA }
`
