/** A site with most of what a file may say. */
export const design: string = `version: 1
defaults:
  forwarding: direct
  check: { interval: 5s, timeout: 2s, rise: 2, fall: 3, whileFailing: 1s }
services:
  shop:
    virtual: { address: 172.16.0.100, protocol: tcp, ports: [80, 443] }
    mark: 7
    scheduler: rr
    persistence: { timeout: 360s }
    servers:
      - { name: web1, address: 10.0.0.7 }
      - { name: web2, address: 10.0.0.17, weight: 2, labels: { version: green } }
    checks:
      - http: { port: 80, path: /healthz, status: 200-299 }
      - https: { port: 443, path: /healthz, serverName: shop.example.com, minimumDaysValid: 7 }
    onFailure: remove
    slowStart: { for: 30s, from: 10% }
    minimumHealthy: { share: 50%, below: keep }
    sorry: { address: 10.0.0.99 }
  dns:
    virtual: { address: 172.16.0.53, protocol: udp, port: 53 }
    servers: [{ name: ns1, address: 10.0.0.53 }]
    checks: [{ dns: { query: example.com, type: SOA } }]
  ftp:
    virtual: { address: 192.168.1.11, protocol: tcp, ports: [21, 10000-20000] }
    persistence: { timeout: 540s }
    forwarding: masquerade
    ftp: { active: true }
    servers: [{ name: ftp1, address: 192.168.2.2 }]
    checks: [{ ftp: {} }]
failover: { engine: keepalived, virtualRouterId: 51, interface: eth0, advertInterval: 200ms, anchor: 172.16.0.100, directors: { a: 172.16.0.11, b: 172.16.0.12 } }
brake: { maximumLoss: 30%, per: 1m }
`
